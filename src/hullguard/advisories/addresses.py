"""Where advisories are fetched from unless the user says otherwise."""

OSV = "https://storage.googleapis.com/osv-vulnerabilities"
KEV = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
EPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
