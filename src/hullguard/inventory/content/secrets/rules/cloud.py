"""Credentials of clouds and hosts."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

AMAZON = (
    Rule("aws-access-key-id", "AWS access key", _CRITICAL, r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", entropy=2.5),
    Rule(
        "aws-secret-access-key",
        "AWS secret access key",
        _CRITICAL,
        r"[A-Za-z0-9/+]{40}",
        words=r"aws_?secret|secret_?access_?key|aws_?key",
        entropy=3.6,
        allow=r"(?:[a-f0-9]{40}|[A-F0-9]{40})$",  # the name of a commit
    ),
    Rule(
        "aws-session-token",
        "AWS session token",
        _HIGH,
        r"[A-Za-z0-9/+]{100}",
        words=r"aws_?session_?token",
        entropy=4.0,
        whole=False,
    ),
    Rule("aws-mws-token", "Amazon marketplace token", _HIGH, rf"amzn\.mws\.{_UUID}"),
    Rule("aws-bedrock-api-key", "Amazon Bedrock API key", _CRITICAL, r"ABSK[A-Za-z0-9+/]{109,269}", entropy=4.0),
    Rule(
        "aws-bedrock-short-key",
        "Amazon Bedrock API key",
        _HIGH,
        r"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=]{20,2000}",
        whole=False,
    ),
)

GOOGLE = (
    Rule("gcp-api-key", "Google API key", _HIGH, r"AIza[0-9A-Za-z_\-]{35}", entropy=3.5),
    Rule(
        "gcp-service-account",
        "Google service account key",
        _CRITICAL,
        r'"private_key_id"[ \t]{0,4}:[ \t]{0,4}"([0-9a-f]{40})"',
        whole=False,
        entropy=2.5,
    ),
    Rule("gcp-oauth-client-secret", "Google OAuth client secret", _HIGH, r"GOCSPX-[A-Za-z0-9_\-]{28}"),
    Rule("gcp-oauth-access-token", "Google OAuth access token", _HIGH, r"ya29\.[A-Za-z0-9_\-]{30,200}", entropy=3.5),
    Rule("gcp-oauth-refresh-token", "Google OAuth refresh token", _HIGH, r"1//0[A-Za-z0-9_\-]{40,100}", entropy=3.5),
)

AZURE = (
    Rule("azure-storage-key", "Azure storage account key", _CRITICAL, r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    Rule("azure-storage-account", "Azure storage key", _CRITICAL, r"[A-Za-z0-9+/]{76}\+ASt[A-Za-z0-9+/]{6}=="),
    Rule("azure-cosmos-key", "Azure Cosmos DB key", _CRITICAL, r"[A-Za-z0-9+/]{76}ACDb[A-Za-z0-9+/]{6}=="),
    Rule("azure-client-secret", "Azure client secret", _CRITICAL, r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}"),
    Rule("azure-shared-access-key", "Azure shared access key", _HIGH, r"SharedAccessKey=([A-Za-z0-9+/]{43}=)"),
    Rule("azure-sas-signature", "Azure shared access signature", _HIGH, r"[?&]sig=([A-Za-z0-9%/+]{43,80}(?:%3D|=))"),
    Rule("azure-devops-token", "Azure DevOps access token", _CRITICAL, r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    Rule("azure-registry-key", "Azure container registry key", _CRITICAL, r"[A-Za-z0-9+/]{42}\+ACR[A-D][A-Za-z0-9]{5}"),
    Rule("azure-function-key", "Azure function key", _HIGH, r"[A-Za-z0-9_\-]{44}AzFu[A-Za-z0-9_\-]{5}=="),
    Rule("azure-search-key", "Azure search key", _HIGH, r"[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}"),
    Rule("azure-redis-key", "Azure cache key", _HIGH, r"[A-Za-z0-9]{33}AzCa[A-P][A-Za-z0-9]{5}="),
)

CHINA = (
    Rule("alibaba-access-key-id", "Alibaba Cloud access key", _CRITICAL, r"LTAI[A-Za-z0-9]{12,26}", entropy=3.0),
    Rule(
        "alibaba-access-key-secret",
        "Alibaba Cloud access key secret",
        _CRITICAL,
        r"[A-Za-z0-9]{30}",
        words=r"aliyun|alibaba|ali_?cloud|access_?key_?secret",
        entropy=3.5,
    ),
    Rule("tencent-secret-id", "Tencent Cloud secret id", _CRITICAL, r"AKID[A-Za-z0-9]{32}", entropy=3.5),
    Rule(
        "tencent-secret-key",
        "Tencent Cloud secret key",
        _CRITICAL,
        r"[A-Za-z0-9]{32}",
        words=r"tencent(?:cloud)?_?secret_?key|qcloud_?secret|cos_?secret_?key",
        entropy=3.5,
    ),
    Rule(
        "huawei-access-key",
        "Huawei Cloud access key",
        _HIGH,
        r"[A-Z0-9]{20}",
        words=r"(?:hw|huawei|huaweicloud)_?(?:sdk_?)?(?:ak|access_?key)",
        entropy=3.0,
    ),
    Rule(
        "huawei-secret-key",
        "Huawei Cloud secret key",
        _CRITICAL,
        r"[A-Za-z0-9]{40}",
        words=r"(?:hw|huawei|huaweicloud)_?(?:sdk_?)?(?:sk|secret)",
        entropy=3.5,
    ),
    Rule("baidu-access-key", "Baidu Cloud access key", _HIGH, r"ALTAK[A-Za-z0-9]{21}", entropy=3.0),
    Rule("volcengine-access-key", "Volcano Engine access key", _HIGH, r"AKLT[A-Za-z0-9_\-]{40,60}", entropy=3.0),
    Rule("jdcloud-access-key", "JD Cloud access key", _HIGH, r"JDC_[0-9A-Z]{25,40}", entropy=3.0),
)

HOSTS = (
    Rule("digitalocean-token", "DigitalOcean access token", _CRITICAL, r"dop_v1_[a-f0-9]{64}"),
    Rule("digitalocean-oauth-token", "DigitalOcean OAuth token", _CRITICAL, r"doo_v1_[a-f0-9]{64}"),
    Rule("digitalocean-refresh-token", "DigitalOcean refresh token", _HIGH, r"dor_v1_[a-f0-9]{64}"),
    Rule("heroku-api-key", "Heroku API key", _HIGH, _UUID, words=r"heroku"),
    Rule("heroku-platform-key", "Heroku platform key", _HIGH, r"HRKU-AA[A-Za-z0-9_\-]{58}"),
    Rule("linode-token", "Linode access token", _HIGH, r"[a-f0-9]{64}", words=r"linode", entropy=3.0),
    Rule("vultr-api-key", "Vultr API key", _HIGH, r"[A-Z0-9]{36}", words=r"vultr", entropy=3.0),
    Rule("hetzner-token", "Hetzner Cloud token", _HIGH, r"[A-Za-z0-9]{64}", words=r"hcloud|hetzner", entropy=3.5),
    Rule("scaleway-secret-key", "Scaleway secret key", _HIGH, _UUID, words=r"scw_secret|scaleway"),
    Rule(
        "ibm-cloud-api-key",
        "IBM Cloud API key",
        _HIGH,
        r"[A-Za-z0-9_\-]{44}",
        words=r"ibm_?cloud|ibm_?api",
        entropy=3.5,
    ),
    Rule("yandex-api-key", "Yandex Cloud API key", _HIGH, r"AQVN[A-Za-z0-9_\-]{35,38}", entropy=3.0),
    Rule("yandex-oauth-token", "Yandex OAuth token", _HIGH, r"y[0-6]_[A-Za-z0-9_\-]{55,58}", entropy=3.5),
    Rule("cloudflare-origin-key", "Cloudflare origin CA key", _HIGH, r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    Rule(
        "cloudflare-api-token",
        "Cloudflare API token",
        _HIGH,
        r"[A-Za-z0-9_\-]{40}",
        words=r"cloudflare|cf_api",
        entropy=3.5,
    ),
    Rule(
        "cloudflare-global-key",
        "Cloudflare global key",
        _HIGH,
        r"[a-f0-9]{37}",
        words=r"cloudflare|cf_api",
        entropy=3.0,
    ),
    Rule("fastly-api-token", "Fastly API token", _HIGH, r"[A-Za-z0-9_\-]{32}", words=r"fastly", entropy=3.5),
    Rule("fly-access-token", "Fly.io access token", _HIGH, r"fo1_[A-Za-z0-9_\-]{43}"),
    Rule("fly-macaroon", "Fly.io token", _HIGH, r"FlyV1 (fm[12]r?_[A-Za-z0-9+/=]{100,400})", entropy=3.5, whole=False),
    Rule("netlify-token", "Netlify access token", _HIGH, r"nfp_[A-Za-z0-9]{36}"),
    Rule("vercel-token", "Vercel access token", _HIGH, r"[A-Za-z0-9]{24}", words=r"vercel_?token", entropy=3.5),
    Rule("render-api-key", "Render API key", _HIGH, r"rnd_[A-Za-z0-9]{28,40}", entropy=3.0),
    Rule("supabase-token", "Supabase access token", _HIGH, r"sbp_[a-f0-9]{40}"),
    Rule("supabase-secret-key", "Supabase secret key", _HIGH, r"sb_secret_[A-Za-z0-9_\-]{30,50}", entropy=3.0),
    Rule("planetscale-token", "PlanetScale token", _HIGH, r"pscale_(?:tkn|oauth)_[A-Za-z0-9=._\-]{32,64}"),
    Rule("planetscale-password", "PlanetScale password", _HIGH, r"pscale_pw_[A-Za-z0-9=._\-]{32,64}"),
    Rule("databricks-token", "Databricks access token", _HIGH, r"dapi[a-f0-9]{32}(?:-[0-9])?"),
    Rule("neon-api-key", "Neon API key", _HIGH, r"napi_[a-z0-9]{64}"),
    Rule("vercel-key", "Vercel access token", _HIGH, r"vc[picark]_[A-Za-z0-9_\-]{50,60}", entropy=3.5),
    Rule("deno-token", "Deno Deploy token", _HIGH, r"dd[pwo]_[A-Za-z0-9]{36}", entropy=3.0),
    Rule("mongodb-service-secret", "MongoDB Atlas service account secret", _HIGH, r"mdb_sa_sk_[A-Za-z0-9_\-]{40}"),
    Rule(
        "defined-networking-token", "Defined Networking token", _HIGH, r"dnkey-[A-Za-z0-9=_\-]{26}-[A-Za-z0-9=_\-]{52}"
    ),
    Rule("adobe-client-secret", "Adobe client secret", _HIGH, r"p8e-[A-Za-z0-9]{32}", entropy=3.0),
)
