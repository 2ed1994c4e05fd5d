"""Credentials of code hosts, package registries, builds and infrastructure tools."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.named import NO_DIGIT, named
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

CODE_HOSTS = (
    Rule("github-token", "GitHub access token", _CRITICAL, r"ghp_[A-Za-z0-9]{36}"),
    Rule("github-fine-token", "GitHub fine-grained token", _CRITICAL, r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    Rule("github-oauth-token", "GitHub OAuth token", _CRITICAL, r"gho_[A-Za-z0-9]{36}"),
    Rule("github-app-token", "GitHub app token", _CRITICAL, r"(?:ghu|ghs)_[A-Za-z0-9]{36}"),
    Rule("github-refresh-token", "GitHub refresh token", _CRITICAL, r"ghr_[A-Za-z0-9]{36,76}"),
    Rule("gitlab-token", "GitLab access token", _CRITICAL, r"glpat-[A-Za-z0-9_\-]{20}(?:[A-Za-z0-9_.\-]{0,30})"),
    Rule("gitlab-deploy-token", "GitLab deploy token", _HIGH, r"gldt-[A-Za-z0-9_\-]{20}"),
    Rule("gitlab-trigger-token", "GitLab pipeline trigger token", _HIGH, r"glptt-[a-f0-9]{40}"),
    Rule("gitlab-runner-token", "GitLab runner token", _HIGH, r"glrt-[A-Za-z0-9_.\-]{20,50}"),
    Rule("gitlab-registration-token", "GitLab runner registration token", _HIGH, r"GR1348941[A-Za-z0-9_\-]{20}"),
    Rule("gitlab-job-token", "GitLab job token", _HIGH, r"glcbt-[A-Za-z0-9]{1,5}_[A-Za-z0-9_\-]{20}"),
    Rule("gitlab-feed-token", "GitLab feed token", _MEDIUM, r"glft-[A-Za-z0-9_\-]{20}"),
    Rule("gitlab-mail-token", "GitLab incoming mail token", _MEDIUM, r"glimt-[A-Za-z0-9_\-]{25}"),
    Rule("gitlab-agent-token", "GitLab Kubernetes agent token", _HIGH, r"glagent-[A-Za-z0-9_\-]{50}"),
    Rule("gitlab-scim-token", "GitLab SCIM token", _HIGH, r"glsoat-[A-Za-z0-9_\-]{20}"),
    Rule("gitlab-oauth-secret", "GitLab OAuth application secret", _HIGH, r"gloas-[A-Za-z0-9_\-]{64}"),
    Rule("bitbucket-app-password", "Bitbucket app password", _HIGH, r"ATBB[A-Za-z0-9]{32}", entropy=3.0),
    Rule("bitbucket-access-token", "Bitbucket access token", _HIGH, r"ATCTT3[A-Za-z0-9_=\-]{100,250}", entropy=3.5),
    Rule(
        "bitbucket-client-secret",
        "Bitbucket client secret",
        _HIGH,
        r"[A-Za-z0-9_=\-]{64}|[A-Za-z0-9]{32}",
        words=named("bitbucket", "secret"),
        entropy=3.0,
        allow=NO_DIGIT,
        unless="[=-]",
    ),
    Rule("atlassian-api-token", "Atlassian API token", _HIGH, r"ATATT3[A-Za-z0-9_=\-]{100,250}", entropy=3.5),
    Rule("sourcegraph-token", "Sourcegraph access token", _HIGH, r"sgp_(?:[a-f0-9]{16}|local)_[a-f0-9]{40}"),
    Rule("gitea-token", "Gitea access token", _HIGH, r"[a-f0-9]{40}", words=r"gitea|forgejo|gogs", entropy=3.0),
    Rule("gitee-token", "Gitee access token", _HIGH, r"[a-f0-9]{32}", words=r"gitee", entropy=3.0),
    Rule("gitlab-feature-token", "GitLab feature flag token", _MEDIUM, r"glffct-[A-Za-z0-9_\-]{20}"),
    Rule("sourcegraph-gateway-token", "Sourcegraph access token", _HIGH, r"slk_[a-f0-9]{64}"),
)

REGISTRIES = (
    Rule("npm-token", "npm access token", _CRITICAL, r"npm_[A-Za-z0-9]{36}"),
    Rule(
        "npmrc-token",
        "npm registry token",
        _HIGH,
        r":_authToken[ \t]{0,4}=[ \t]{0,4}([A-Za-z0-9_.=\-]{16,200})",
        allow=r"\$|npm_",
    ),
    Rule(
        "npmrc-password",
        "npm registry password",
        _HIGH,
        r":_(?:password|auth)[ \t]{0,4}=[ \t]{0,4}[\"']?([A-Za-z0-9+/=]{8,200})",
    ),
    Rule(
        "npmrc-auth",
        "npm registry password",
        _HIGH,
        r"_(?:password|auth)[ \t]{0,4}=[ \t]{0,4}[\"']?([A-Za-z0-9+/=]{8,200})",
        paths=r"\.?npmrc",
        whole=False,
    ),
    Rule(
        "yarnrc-token",
        "Yarn registry token",
        _HIGH,
        r"npmAuth(?:Token|Ident):[ \t]{1,4}[\"']?([A-Za-z0-9_.=+/:\-]{8,400})",
        paths=r"\.yarnrc\.yml",
        whole=False,
        allow="npm_",
    ),
    Rule("pypi-token", "PyPI token", _CRITICAL, r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,250}"),
    Rule("test-pypi-token", "TestPyPI token", _LOW, r"pypi-AgENdGVzdC5weXBpLm9yZw[A-Za-z0-9_\-]{50,250}"),
    Rule("rubygems-token", "RubyGems API key", _CRITICAL, r"rubygems_[a-f0-9]{48}"),
    Rule("crates-token", "crates.io token", _CRITICAL, r"cio[A-Za-z0-9]{32}", entropy=3.8),
    Rule("nuget-api-key", "NuGet API key", _HIGH, r"oy2[a-z0-9]{43}", entropy=3.5),
    Rule("clojars-token", "Clojars deploy token", _HIGH, r"CLOJARS_[a-z0-9]{60}"),
    Rule("docker-hub-token", "Docker Hub access token", _CRITICAL, r"dckr_pat_[A-Za-z0-9_\-]{27}"),
    Rule("docker-organization-token", "Docker organization token", _CRITICAL, r"dckr_oat_[A-Za-z0-9_\-]{32}"),
    Rule("jfrog-api-key", "Artifactory API key", _HIGH, r"AKCp[A-Za-z0-9]{69}"),
    Rule("jfrog-reference-token", "Artifactory reference token", _HIGH, r"cmVmdGtu[A-Za-z0-9]{56}"),
    Rule("cloudsmith-api-key", "Cloudsmith API key", _HIGH, r"[a-f0-9]{40}", words=r"cloudsmith", entropy=3.0),
)

BUILDS = (
    Rule("circleci-token", "CircleCI token", _HIGH, r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    Rule("buildkite-token", "Buildkite token", _HIGH, r"bk(?:ua|ct|at)_[a-f0-9]{40}"),
    Rule(
        "travis-token",
        "Travis CI token",
        _HIGH,
        r"[A-Za-z0-9_\-]{22}",
        words=r"travis_?(?:ci_?)?(?:api_?)?token",
        entropy=3.5,
    ),
    Rule("drone-token", "Drone CI token", _HIGH, r"[A-Za-z0-9]{32}", words=r"drone_?(?:ci_?)?token", entropy=3.5),
    Rule("sonar-token", "SonarQube token", _HIGH, r"sq[upa]_[a-f0-9]{40}"),
    Rule("snyk-token", "Snyk token", _HIGH, _UUID, words=r"snyk"),
    Rule("codecov-token", "Codecov token", _MEDIUM, _UUID, words=r"codecov"),
    Rule("postman-api-key", "Postman API key", _HIGH, r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Rule("launchdarkly-key", "LaunchDarkly key", _MEDIUM, rf"(?:api|sdk|mob)-{_UUID}", words=r"launch_?darkly|ld_"),
    Rule("prefect-token", "Prefect API key", _HIGH, r"pn[ub]_[A-Za-z0-9]{36}"),
    Rule("readme-api-key", "ReadMe API key", _MEDIUM, r"rdme_[a-z0-9]{70}"),
    Rule("harness-token", "Harness API key", _HIGH, r"[ps]at\.[A-Za-z0-9_\-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}"),
    Rule("octopus-api-key", "Octopus Deploy API key", _HIGH, r"API-[A-Z0-9]{26,27}", entropy=3.5),
    Rule("infracost-key", "Infracost API key", _MEDIUM, r"ico-[A-Za-z0-9]{32}", entropy=3.5),
    Rule("dbt-token", "dbt Cloud token", _HIGH, r"dbt[cu]_[A-Za-z0-9_=\-]{36,60}", entropy=3.5),
    Rule("ionic-token", "Ionic access token", _HIGH, r"ion_[A-Za-z0-9]{42}", entropy=3.8, allow=NO_DIGIT),
)

INFRASTRUCTURE = (
    Rule("vault-service-token", "Vault service token", _CRITICAL, r"hvs\.[A-Za-z0-9_\-]{24,200}", entropy=3.0),
    Rule("vault-batch-token", "Vault batch token", _HIGH, r"hvb\.[A-Za-z0-9_\-]{90,300}", entropy=3.0),
    Rule("vault-legacy-token", "Vault token", _HIGH, r"s\.[A-Za-z0-9]{24}", words=r"vault_?token", entropy=3.0),
    Rule("consul-token", "Consul token", _HIGH, _UUID, words=r"consul_?(?:http_?)?token"),
    Rule("nomad-token", "Nomad token", _HIGH, _UUID, words=r"nomad_?token"),
    Rule(
        "terraform-cloud-token", "Terraform Cloud token", _CRITICAL, r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{60,70}"
    ),
    Rule("pulumi-token", "Pulumi access token", _HIGH, r"pul-[a-f0-9]{40}"),
    Rule(
        "doppler-token",
        "Doppler token",
        _HIGH,
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    Rule("infisical-token", "Infisical service token", _HIGH, r"st\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}"),
    Rule(
        "1password-service-token",
        "1Password service account token",
        _CRITICAL,
        r"ops_eyJ[A-Za-z0-9+/=_\-]{250}",
        whole=False,
    ),
    Rule(
        "1password-secret-key",
        "1Password secret key",
        _CRITICAL,
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        entropy=3.0,
    ),
    Rule("tailscale-key", "Tailscale key", _HIGH, r"tskey-[a-z]{3,12}-[0-9A-Za-z]{10,20}-[0-9A-Za-z]{20,40}"),
    Rule("ngrok-token", "ngrok token", _MEDIUM, r"[A-Za-z0-9]{27}_[A-Za-z0-9]{21}", words=r"ngrok|authtoken"),
    Rule("rancher-token", "Rancher API token", _HIGH, r"token-[a-z0-9]{5}:[a-z0-9]{54}"),
    Rule("openshift-token", "OpenShift token", _HIGH, r"sha256~[A-Za-z0-9_\-]{43}"),
    Rule(
        "bootstrap-token",
        "Kubernetes bootstrap token",
        _HIGH,
        r"[a-z0-9]{6}\.[a-z0-9]{16}",
        words=r"bootstrap_?token|join_?token|kubeadm",
        entropy=3.0,
    ),
    Rule("portainer-token", "Portainer access token", _HIGH, r"ptr_[A-Za-z0-9/+]{43}=", whole=False),
    Rule(
        "authress-key",
        "Authress service key",
        _HIGH,
        r"(?:ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_\-][a-z0-9\-]{10,32}\.[A-Za-z0-9+/_=\-]{30,120}",
    ),
)
