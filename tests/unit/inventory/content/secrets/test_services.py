"""Keys of services that are known by the name they are given to, and what is as long and public."""

import base64
import hashlib
import uuid

import pytest
from tests.support.specimens import rules_found

_MANY = hashlib.sha512(b"made up").digest() + hashlib.sha512(b"for tests").digest()
HEX = _MANY.hex()
MIXED = base64.b64encode(_MANY).decode().replace("+", "").replace("/", "").rstrip("=")
LOWER = base64.b32encode(_MANY).decode().lower().rstrip("=")
UUID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "made up"))
INTERCOM = base64.b64encode(f"tok:{UUID.replace('-', '_')}:1:0".encode()).decode()
MAPBOX = base64.b64encode(b'{"u":"hullguard","a":"ck1f2g3h4j5k6l7m8n9p0"}').decode().rstrip("=")
PATH = "srv/app/settings.txt"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (f'hubspot_key = "{UUID.upper()}"', "hubspot-api-key"),
        (f"HUBSPOT_API_KEY={UUID}", "hubspot-api-key"),
        (f"GET /contacts/v1/lists?hapikey={UUID}&count=1", "hubspot-api-key"),
        (f"intercom:\n  x: {INTERCOM}", "intercom-access-token"),
        (f'intercom_key = "{MIXED[:60]}"', "intercom-token"),
        (f'IONIC_TOKEN="ion_{MIXED[:42]}"', "ionic-token"),
        (f"new Lob('live_{HEX[:35]}')", "lob-live-key"),
        (f'lob_key = "test_{HEX[:35]}"', "lob-test-key"),
        (f'lob: "test_pub_{HEX[:31]}"', "lob-publishable-key"),
        (f'lob: "live_pub_{HEX[:31]}"', "lob-publishable-key"),
        (f'beamer_key="b_{MIXED[:44]}"', "beamer-api-key"),
        (f"Beamer-Api-Key: b_{MIXED[:43]}=", "beamer-api-key"),
        (f'finicity_client_secret = "{LOWER[:20]}"', "finicity-client-secret"),
        (f'finicityPartnerSecret: "{MIXED[:20]}"', "finicity-client-secret"),
        (f"Finicity-App-Key: {HEX[:32]}", "finicity-api-token"),
        (f'messagebird_token = "{LOWER[:25]}"', "messagebird-key"),
        (f"MESSAGEBIRD_ACCESS_KEY=live_{MIXED[:25]}", "messagebird-key"),
        (f'twitch_token="{LOWER[:30]}"', "twitch-secret"),
        (f"TWITCH_OAUTH=oauth:{LOWER[:30]}", "twitch-secret"),
        (f"TWITCH_CLIENT_SECRET={LOWER[:30]}", "twitch-secret"),
        ("fio-u-" + MIXED[:64], "frameio-token"),
        (f'mapbox = "pk.{MIXED[:60]}.{MIXED[60:82]}"', "mapbox-named-token"),
        (f"L.mapbox('pk.{MAPBOX}.{MIXED[:22]}')", "mapbox-public-token"),
        (f'asana_secret = "{MIXED[:32]}"', "asana-client-secret"),
        (f"ASANA_CLIENT_SECRET: {HEX[:32]}", "asana-client-secret"),
        (f'bitbucket_secret = "{MIXED[:64]}"', "bitbucket-client-secret"),
        (f"DRONE_BITBUCKET_CLIENT_SECRET={MIXED[:32]}", "bitbucket-client-secret"),
        (f'contentful_token = "{MIXED[:43]}"', "contentful-delivery-token"),
        (f"contentful.accessToken: '{MIXED[:42]}_'", "contentful-delivery-token"),
        (f'discord_token = "{HEX[:64]}"', "discord-token"),
        (f"DISCORD_CLIENT_SECRET={MIXED[:31]}-", "discord-client-secret"),
    ],
)
def test_a_key_by_the_name_it_is_given_to(content: str, rule: str) -> None:
    assert rules_found(PATH, f"# made up\n{content}\nend\n") == [rule]


@pytest.mark.parametrize(
    "content",
    [
        # What is public and as long.
        f'hubspot_form_id = "{UUID}"\nhubspot: "{UUID}"',
        f"DISCORD_PUBLIC_KEY={HEX[:64]}\ndiscord_key={HEX[:64]}",
        f"TWITCH_CLIENT_ID={LOWER[:30]}",
        f"asana_workspace = {MIXED[:32]}\nasana_id: {HEX[:32]}",
        f"bitbucket_commit={HEX[:64]}\nbitbucket_key={MIXED[:18]}",
        f"finicity_customer={HEX[:32]}",
        # What is longer or shorter.
        f"hubspot_key = {UUID}0\nhubspot_key = {UUID[:-1]}",
        f"live_{HEX[:36]} live_{HEX[:34]} test_pub_{HEX[:32]}",
        f"ion_{MIXED[:43]} ion_{MIXED[:41]} cation_{MIXED[:42]}",
        f"contentful_token = {MIXED[:43]}-{MIXED[:4]}",
        f"contentful_key_hash = {MIXED[:43]}=",
        f"discord_secret = {MIXED[:32]}-{MIXED[:4]}",
        f"bitbucket_secret = {MIXED[:32]}-{MIXED[:4]}",
        f"intercom_key = {MIXED[:61]}",
        f"fio-u-{MIXED[:63]}",
        f"pk.{MIXED[:49]}.{MIXED[:22]} pk.{MIXED[:60]}.{MIXED[:23]}",
        # The form without its name.
        f'key = "{UUID}"\nx = "{MIXED[:43]}"\ny = "{LOWER[:30]}"\nz = "b_{MIXED[:44]}"',
        # Names in code, and what stands for a secret.
        "asana_secret = getAsanaClientSecretFromSettings",
        "twitch_token = gettwitchtokenfromtheenvironme",
        "bitbucket_secret = readBitbucketClientSecretFromEnv",
        "messagebird_key = messageBirdAccessKeyByName",
        "finicity_secret = finicitySecretOfPart",
        "contentful_token: contentfulDeliveryTokenOfTheSpaceOfThisPage",
        "pk.primaryKeyOfTheTableThatIsLookedUpHereAndNowhereElse.columnOfThatTableHere1",
        "hubspot_key = 00000000-0000-0000-0000-000000000000",
        "hubspot_key = xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        f"discord_token = {'0' * 64}",
        f"lob_key = test_{'0' * 35}",
        # Tokens that makers print in their manuals.
        "lob_key = " + "test_" + "0dc8d51e0acffcb1880e0f19c79b2f5b0cc",
        "pk." + base64.b64encode(b'{"u":"mapbox","a":"ck1f2g3h4j5k6l7m8n9p0"}').decode()[:54] + "." + MIXED[:22],
    ],
)
def test_what_is_as_long_and_no_secret_is_none(content: str) -> None:
    assert rules_found(PATH, f"# made up\n{content}\nend\n") == []
