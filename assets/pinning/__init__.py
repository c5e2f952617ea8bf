"""Services that keep content on IPFS for us: pinned there, asked about, read back."""
