"""Credentials of messaging, payment, observation and AI services."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.named import NO_DIGIT, named
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_LOB_MANUAL = "test_0dc8d51e0acffcb"
"""How the test key begins that Lob prints in its manual, and that its libraries come with."""
_MAPBOX_MANUAL = r"pk\.eyJ1IjoibWFwYm94Iiwi"
"""How a token of the user ``mapbox`` begins, as they stand in Mapbox' manual."""

MESSAGES = (
    Rule("slack-bot-token", "Slack bot token", _HIGH, r"xoxb-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9]{20,34}"),
    Rule("slack-user-token", "Slack user token", _HIGH, r"xox[ps]-(?:[0-9]{10,13}-){3}[A-Za-z0-9]{28,34}"),
    Rule("slack-app-token", "Slack app token", _HIGH, r"xapp-[0-9]-[A-Z0-9]{9,12}-[0-9]{10,14}-[a-f0-9]{64}"),
    Rule("slack-refresh-token", "Slack refresh token", _HIGH, r"xoxe(?:\.xox[bp])?-[0-9]-[A-Za-z0-9]{140,180}"),
    Rule(
        "slack-webhook",
        "Slack webhook",
        _MEDIUM,
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/]{40,60})",
    ),
    Rule(
        "discord-bot-token",
        "Discord bot token",
        _HIGH,
        r"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38}",
        entropy=4.0,
    ),
    Rule(
        "discord-webhook",
        "Discord webhook",
        _MEDIUM,
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_\-]{60,80})",
    ),
    Rule("telegram-bot-token", "Telegram bot token", _HIGH, r"(?:bot)?([0-9]{8,10}:AA[A-Za-z0-9_\-]{33})", entropy=3.5),
    Rule(
        "teams-webhook",
        "Microsoft Teams webhook",
        _MEDIUM,
        rf"webhook\.office\.com/webhookb2/{_UUID}@{_UUID}/IncomingWebhook/([a-f0-9]{{32}})",
    ),
    Rule(
        "dingtalk-webhook", "DingTalk webhook", _MEDIUM, r"oapi\.dingtalk\.com/robot/send\?access_token=([a-f0-9]{64})"
    ),
    Rule("feishu-webhook", "Feishu webhook", _MEDIUM, rf"open\.feishu\.cn/open-apis/bot/v2/hook/({_UUID})"),
    Rule("wecom-webhook", "WeCom webhook", _MEDIUM, rf"qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=({_UUID})"),
    Rule("twilio-api-key", "Twilio API key", _HIGH, r"SK[a-f0-9]{32}", entropy=3.0),
    Rule("twilio-auth-token", "Twilio auth token", _HIGH, r"[a-f0-9]{32}", words=r"twilio", entropy=3.0),
    Rule("sendgrid-api-key", "SendGrid API key", _HIGH, r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    Rule("mailgun-key", "Mailgun key", _HIGH, r"key-[a-f0-9]{32}", entropy=3.0),
    Rule(
        "mailgun-signing-key",
        "Mailgun signing key",
        _HIGH,
        r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}",
        words=r"mailgun|mg_",
    ),
    Rule("mailchimp-api-key", "Mailchimp API key", _HIGH, r"[a-f0-9]{32}-us[0-9]{1,2}", entropy=3.0),
    Rule("brevo-api-key", "Brevo API key", _HIGH, r"x(?:keysib|smtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Rule("resend-api-key", "Resend API key", _HIGH, r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}", entropy=3.8),
    Rule("postmark-token", "Postmark server token", _HIGH, _UUID, words=r"postmark"),
    Rule("mattermost-token", "Mattermost token", _MEDIUM, r"[a-z0-9]{26}", words=r"mattermost", entropy=3.5),
    Rule(
        "messagebird-key",
        "MessageBird access key",
        _HIGH,
        r"(?:(?:live|test)_)?[A-Za-z0-9]{25}",
        words=named("message_?bird", "key|token|secret"),
        entropy=3.2,
        allow=NO_DIGIT,
    ),
    # An application's public key is as long: nothing but the name tells them apart.
    Rule("discord-token", "Discord token", _HIGH, r"[a-f0-9]{64}", words=named("discord", "token|secret"), entropy=3.0),
    Rule(
        "discord-client-secret",
        "Discord client secret",
        _HIGH,
        r"[A-Za-z0-9_\-]{32}",
        words=named("discord", "secret"),
        entropy=3.9,
        allow=NO_DIGIT,
        unless="-",
    ),
    Rule(
        "twitch-secret",
        "Twitch secret or token",
        _HIGH,
        r"(?:oauth:)?[a-z0-9]{30}",
        words=named("twitch", "key|token|secret|oauth|pass"),
        entropy=3.5,
        allow=NO_DIGIT,
    ),
    # Base64 of "tok:", a UUID and ":1:0".
    Rule("intercom-access-token", "Intercom access token", _HIGH, r"dG9rOj[A-Za-z0-9+/]{53}="),
    Rule(
        "intercom-token",
        "Intercom token",
        _HIGH,
        r"[A-Za-z0-9=_\-]{60}",
        words=named("intercom", "key|token|secret"),
        entropy=4.2,
        allow=NO_DIGIT,
        unless="[=-]",
    ),
    Rule(
        "beamer-api-key",
        "Beamer API key",
        _HIGH,
        r"b_[A-Za-z0-9=_+/\-]{44}",
        words=r"beamer",
        entropy=3.8,
        allow=NO_DIGIT,
        unless="[=+/-]",
    ),
)

OFFICE = (
    Rule("linear-api-key", "Linear API key", _HIGH, r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    Rule("notion-token", "Notion token", _HIGH, r"ntn_[0-9]{11}[A-Za-z0-9]{35}"),
    Rule("figma-token", "Figma token", _MEDIUM, r"figd_[A-Za-z0-9_\-]{40}"),
    Rule("airtable-token", "Airtable token", _HIGH, r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Rule("asana-token", "Asana token", _HIGH, r"[0-9]/[0-9]{16}:[a-f0-9]{32}"),
    Rule("typeform-token", "Typeform token", _MEDIUM, r"tfp_[A-Za-z0-9_.\-]{44,60}"),
    Rule("hubspot-token", "HubSpot token", _HIGH, rf"pat-(?:na|eu)[0-9]-{_UUID}"),
    Rule("contentful-token", "Contentful token", _HIGH, r"CFPAT-[A-Za-z0-9_\-]{43}"),
    Rule("dropbox-token", "Dropbox token", _HIGH, r"sl\.[A-Za-z0-9_\-]{130,250}", entropy=4.0),
    Rule("algolia-key", "Algolia key", _MEDIUM, r"[a-f0-9]{32}", words=r"algolia", entropy=3.0),
    Rule("okta-token", "Okta API token", _HIGH, r"00[A-Za-z0-9_\-]{40}", words=r"okta|ssws", entropy=3.5),
    Rule("auth0-secret", "Auth0 client secret", _HIGH, r"[A-Za-z0-9_\-]{64}", words=r"auth0", entropy=4.0),
    Rule("zendesk-token", "Zendesk token", _HIGH, r"[A-Za-z0-9]{40}", words=r"zendesk", entropy=3.5),
    Rule("facebook-token", "Facebook access token", _HIGH, r"EAA[MC][A-Za-z0-9]{60,200}", entropy=3.5),
    Rule("twitter-secret", "X (Twitter) secret", _HIGH, r"[A-Za-z0-9]{45,50}", words=r"twitter", entropy=4.0),
    Rule("linkedin-secret", "LinkedIn client secret", _HIGH, r"WPL_AP1\.[A-Za-z0-9]{16}\.[A-Za-z0-9+/=]{8}"),
    Rule("mapbox-token", "Mapbox secret token", _MEDIUM, r"sk\.eyJ1[A-Za-z0-9_\-]{50,120}\.[A-Za-z0-9_\-]{22}"),
    Rule("notion-secret", "Notion token", _HIGH, r"secret_[A-Za-z0-9]{43}", entropy=4.0),
    Rule(
        "hubspot-api-key",
        "HubSpot API key",
        _HIGH,
        rf"(?i:{_UUID})",
        words="hapikey|" + named("hubspot", "key|token|secret"),
        entropy=2.5,
    ),
    Rule(
        "asana-client-secret",
        "Asana client secret",
        _HIGH,
        r"[A-Za-z0-9]{32}",
        words=named("asana", "secret"),
        entropy=2.8,
        allow=NO_DIGIT,
    ),
    Rule(
        "contentful-delivery-token",
        "Contentful delivery token",
        _HIGH,
        r"[A-Za-z0-9_\-]{43}",
        words=named("contentful", "key|token|secret"),
        entropy=4.1,
        allow=NO_DIGIT,
        unless="[=-]",
    ),
    Rule("frameio-token", "Frame.io token", _HIGH, r"fio-u-[A-Za-z0-9_=\-]{64}", entropy=3.5),
    # Made to be seen in a browser; unless its addresses are limited, others can run up a bill with it.
    Rule(
        "mapbox-public-token",
        "Mapbox public token",
        _LOW,
        r"pk\.eyJ1[A-Za-z0-9_\-]{50,120}\.[A-Za-z0-9_\-]{22}",
        allow=_MAPBOX_MANUAL,
    ),
    Rule(
        "mapbox-named-token",
        "Mapbox public token",
        _LOW,
        r"pk\.[A-Za-z0-9_\-]{60}\.[A-Za-z0-9_\-]{22}",
        words="mapbox",
        entropy=4.0,
        allow=_MAPBOX_MANUAL,
    ),
)

PAYMENTS = (
    Rule("stripe-secret-key", "Stripe secret key", _CRITICAL, r"[sr]k_live_[A-Za-z0-9]{20,247}"),
    Rule("stripe-test-key", "Stripe test key", _LOW, r"[sr]k_test_[A-Za-z0-9]{20,247}"),
    Rule("stripe-webhook-secret", "Stripe webhook secret", _MEDIUM, r"whsec_[A-Za-z0-9+/]{32,64}"),
    Rule("square-access-token", "Square access token", _CRITICAL, r"sq0atp-[A-Za-z0-9_\-]{22}"),
    Rule("square-oauth-secret", "Square OAuth secret", _CRITICAL, r"sq0csp-[A-Za-z0-9_\-]{43}"),
    Rule("square-token", "Square token", _HIGH, r"EAAA[A-Za-z0-9_\-]{60}", entropy=3.5),
    Rule("shopify-access-token", "Shopify access token", _HIGH, r"shpat_[a-f0-9]{32}"),
    Rule("shopify-custom-token", "Shopify custom app token", _HIGH, r"shp(?:ca|pa)_[a-f0-9]{32}"),
    Rule("shopify-shared-secret", "Shopify shared secret", _HIGH, r"shpss_[a-f0-9]{32}"),
    Rule(
        "braintree-token", "Braintree access token", _CRITICAL, r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}"
    ),
    Rule("razorpay-key", "Razorpay key", _HIGH, r"rzp_live_[A-Za-z0-9]{14}"),
    Rule("flutterwave-key", "Flutterwave secret key", _HIGH, r"FLWSECK-[a-f0-9]{32}-X"),
    Rule("plaid-token", "Plaid access token", _HIGH, rf"access-production-{_UUID}"),
    Rule("easypost-key", "EasyPost API key", _HIGH, r"EZAK[A-Za-z0-9]{54}"),
    Rule("shippo-token", "Shippo API token", _HIGH, r"shippo_live_[a-f0-9]{40}"),
    Rule("duffel-token", "Duffel API token", _HIGH, r"duffel_live_[A-Za-z0-9_\-]{43}"),
    Rule("mollie-key", "Mollie API key", _HIGH, r"live_[A-Za-z0-9]{30}", words=r"mollie"),
    Rule("coinbase-token", "Coinbase token", _HIGH, r"[A-Za-z0-9_\-]{64}", words=r"coinbase", entropy=3.5),
    Rule(
        "wechat-pay-key",
        "WeChat Pay API key",
        _CRITICAL,
        r"[A-Za-z0-9]{32}",
        words=r"wechat_?pay|wxpay|mch_?key",
        entropy=3.5,
    ),
    Rule("stripe-prod-key", "Stripe secret key", _CRITICAL, r"[sr]k_prod_[A-Za-z0-9]{20,247}"),
    Rule("lob-live-key", "Lob API key", _HIGH, r"live_[a-f0-9]{35}", entropy=3.0),
    Rule("lob-test-key", "Lob test key", _LOW, r"test_[a-f0-9]{35}", entropy=3.0, allow=_LOB_MANUAL),
    Rule("lob-publishable-key", "Lob publishable key", _LOW, r"(?:live|test)_pub_[a-f0-9]{31}", entropy=3.0),
    Rule(
        "finicity-client-secret",
        "Finicity client secret",
        _HIGH,
        r"[A-Za-z0-9]{20}",
        words=named("finicity", "secret"),
        entropy=3.0,
        allow=NO_DIGIT,
    ),
    Rule(
        "finicity-api-token",
        "Finicity API token",
        _HIGH,
        r"[a-f0-9]{32}",
        words=named("finicity", "key|token|secret"),
        entropy=2.8,
    ),
)

OBSERVATION = (
    Rule("datadog-api-key", "Datadog API key", _HIGH, r"[a-f0-9]{32}", words=r"datadog|dd_api_?key", entropy=3.0),
    Rule("datadog-app-key", "Datadog application key", _HIGH, r"[a-f0-9]{40}", words=r"datadog|dd_app", entropy=3.0),
    Rule("newrelic-user-key", "New Relic user key", _HIGH, r"NRAK-[A-Z0-9]{27}"),
    Rule("newrelic-license-key", "New Relic license key", _HIGH, r"[a-f0-9]{36}NRAL"),
    Rule("newrelic-insert-key", "New Relic insert key", _MEDIUM, r"NRII-[A-Za-z0-9_\-]{32}"),
    Rule("newrelic-browser-key", "New Relic browser key", _LOW, r"NRJS-[a-f0-9]{19}"),
    Rule("grafana-service-token", "Grafana service account token", _HIGH, r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    Rule("grafana-cloud-token", "Grafana Cloud token", _HIGH, r"glc_[A-Za-z0-9+/]{32,250}", entropy=3.5),
    Rule("sentry-user-token", "Sentry user token", _HIGH, r"sntryu_[a-f0-9]{64}"),
    Rule("sentry-org-token", "Sentry organization token", _HIGH, r"sntrys_eyJ[A-Za-z0-9+/=_]{60,300}"),
    Rule("dynatrace-token", "Dynatrace token", _HIGH, r"dt0[a-z][0-9]{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    Rule("honeycomb-key", "Honeycomb key", _MEDIUM, r"hc[a-z]ik_[a-z0-9]{58}"),
    Rule(
        "pagerduty-key", "PagerDuty API key", _HIGH, r"[A-Za-z0-9+_\-]{20}", words=r"pagerduty|pager_duty", entropy=3.5
    ),
    Rule("splunk-hec-token", "Splunk collector token", _HIGH, _UUID, words=r"splunk|hec_token"),
    Rule("rollbar-token", "Rollbar token", _MEDIUM, r"[a-f0-9]{32}", words=r"rollbar", entropy=3.0),
    Rule("posthog-key", "PostHog personal key", _MEDIUM, r"phx_[A-Za-z0-9]{43,48}"),
    Rule("sumologic-key", "Sumo Logic key", _HIGH, r"[A-Za-z0-9]{64}", words=r"sumo_?(?:logic)?", entropy=3.5),
    Rule("grafana-api-key", "Grafana API key", _HIGH, r"eyJrIjoi[A-Za-z0-9]{70,400}={0,2}", entropy=3.5, whole=False),
    Rule("rootly-key", "Rootly API key", _HIGH, r"rootly_[a-f0-9]{64}"),
)

AI = (
    Rule("openai-api-key", "OpenAI API key", _CRITICAL, r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    Rule(
        "openai-project-key",
        "OpenAI project key",
        _CRITICAL,
        r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{20,80}T3BlbkFJ[A-Za-z0-9_\-]{20,80}",
    ),
    Rule("anthropic-api-key", "Anthropic API key", _CRITICAL, r"sk-ant-api03-[A-Za-z0-9_\-]{93}AA"),
    Rule("anthropic-admin-key", "Anthropic admin key", _CRITICAL, r"sk-ant-admin01-[A-Za-z0-9_\-]{93}AA"),
    Rule("huggingface-token", "Hugging Face token", _HIGH, r"hf_[A-Za-z0-9]{34}"),
    Rule("huggingface-org-token", "Hugging Face organization token", _HIGH, r"api_org_[A-Za-z]{34}"),
    Rule("replicate-token", "Replicate API token", _HIGH, r"r8_[A-Za-z0-9]{37}"),
    Rule("groq-api-key", "Groq API key", _HIGH, r"gsk_[A-Za-z0-9]{52}"),
    Rule("perplexity-api-key", "Perplexity API key", _HIGH, r"pplx-[A-Za-z0-9]{48}"),
    Rule("xai-api-key", "xAI API key", _HIGH, r"xai-[A-Za-z0-9]{80}"),
    Rule("openrouter-key", "OpenRouter key", _HIGH, r"sk-or-v1-[a-f0-9]{64}"),
    Rule("langsmith-key", "LangSmith key", _HIGH, r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Rule("nvidia-api-key", "NVIDIA API key", _HIGH, r"nvapi-[A-Za-z0-9_\-]{64}"),
    Rule("pinecone-key", "Pinecone key", _HIGH, r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,70}"),
    Rule(
        "deepseek-key", "DeepSeek API key", _HIGH, r"sk-[a-f0-9]{32}", words=r"deepseek|dashscope|moonshot", entropy=3.0
    ),
    Rule("cohere-key", "Cohere API key", _HIGH, r"[A-Za-z0-9]{40}", words=r"cohere|co_api", entropy=3.5),
    Rule("wandb-key", "Weights & Biases key", _HIGH, r"[a-f0-9]{40}", words=r"wandb", entropy=3.0),
    Rule("tavily-key", "Tavily API key", _HIGH, r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}", entropy=3.0),
    Rule("jina-key", "Jina API key", _HIGH, r"jina_[a-f0-9]{32}[A-Za-z0-9_\-]{28}"),
    Rule("langfuse-key", "Langfuse secret key", _HIGH, rf"sk-lf-{_UUID}"),
    Rule("elevenlabs-key", "ElevenLabs API key", _HIGH, r"sk_[a-f0-9]{48}", entropy=3.0),
)
