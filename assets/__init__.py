"""What is owned: asset records, token metadata, content addresses, and the blocks behind them."""
