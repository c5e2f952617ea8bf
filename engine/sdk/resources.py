"""What both clients have: each resource once, its methods made of the calls."""

import engine.sdk.account_calls as account_calls
import engine.sdk.asset_calls as asset_calls
import engine.sdk.creation_calls as creation_calls
import engine.sdk.mint_calls as mint_calls
import engine.sdk.token_calls as token_calls
import engine.sdk.voucher_calls as voucher_calls
from engine.sdk.resource import Endpoint, Listing, Saving


class CreationMethods:
    create = Endpoint(creation_calls.create)
    estimate = Endpoint(creation_calls.estimate)
    get = Endpoint(creation_calls.get_creation)
    cancel = Endpoint(creation_calls.cancel)
    resume = Endpoint(creation_calls.resume)
    list = Listing(creation_calls.list_creations)


class AssetMethods:
    upload = Endpoint(asset_calls.upload)
    get = Endpoint(asset_calls.get_asset)
    tag = Endpoint(asset_calls.tag_asset)
    media = Endpoint(asset_calls.media)
    image = Endpoint(asset_calls.image)
    file = Endpoint(asset_calls.file)
    health = Endpoint(asset_calls.health)
    recipe = Endpoint(asset_calls.recipe)
    metadata = Endpoint(asset_calls.metadata)
    sheet = Endpoint(asset_calls.sheet)
    sheet_file = Endpoint(asset_calls.sheet_file)
    download = Saving(asset_calls.download)
    save_file = Saving(asset_calls.save_file)
    car = Saving(asset_calls.car)
    search = Listing(asset_calls.search)
    list = Listing(asset_calls.list_assets)


class CollectionMethods:
    create = Endpoint(asset_calls.create_collection)
    get = Endpoint(asset_calls.get_collection)
    change = Endpoint(asset_calls.change_collection)
    delete = Endpoint(asset_calls.delete_collection)
    add = Endpoint(asset_calls.add_to_collection)
    remove = Endpoint(asset_calls.remove_from_collection)
    sheet = Endpoint(asset_calls.collection_sheet)
    sheet_file = Endpoint(asset_calls.collection_sheet_file)
    car = Saving(asset_calls.collection_car)
    list = Listing(asset_calls.list_collections)


class MintMethods:
    mint = Endpoint(mint_calls.mint)
    mint_many = Endpoint(mint_calls.mint_many)
    get = Endpoint(mint_calls.get_mint)
    list = Listing(mint_calls.list_mints)


class TokenMethods:
    get = Endpoint(token_calls.get_token)
    owned = Listing(token_calls.owned_tokens)
    activity = Listing(token_calls.activity)
    index = Endpoint(token_calls.index_state)
    query = Endpoint(token_calls.query)
    list = Listing(token_calls.list_tokens)


class VoucherMethods:
    hold = Endpoint(voucher_calls.hold)
    claim = Endpoint(voucher_calls.claim)
    get = Endpoint(voucher_calls.get_voucher)
    cancel = Endpoint(voucher_calls.cancel_voucher)
    list = Listing(voucher_calls.list_vouchers)


class KeyMethods:
    create = Endpoint(account_calls.create_key)
    get = Endpoint(account_calls.get_key)
    revoke = Endpoint(account_calls.revoke_key)
    rotate = Endpoint(account_calls.rotate_key)
    list = Listing(account_calls.list_keys)


class WebhookMethods:
    create = Endpoint(account_calls.create_webhook)
    get = Endpoint(account_calls.get_webhook)
    delete = Endpoint(account_calls.delete_webhook)
    rotate = Endpoint(account_calls.rotate_webhook)
    test = Endpoint(account_calls.try_webhook)
    deliveries = Listing(account_calls.list_deliveries)
    delivery = Endpoint(account_calls.get_delivery)
    redeliver = Endpoint(account_calls.redeliver)
    list = Listing(account_calls.list_webhooks)


class AccountMethods:
    me = Endpoint(account_calls.me)
    models = Endpoint(account_calls.models)
    usage = Endpoint(account_calls.usage)
