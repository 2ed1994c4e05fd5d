import frame from '@/i18n/en/frame.json'
import overview from '@/i18n/en/overview.json'
import nodes from '@/i18n/en/nodes.json'
import images from '@/i18n/en/images.json'
import registries from '@/i18n/en/registries.json'
import incidents from '@/i18n/en/incidents.json'
import policies from '@/i18n/en/policies.json'
import profiles from '@/i18n/en/profiles.json'
import reports from '@/i18n/en/reports.json'
import rules from '@/i18n/en/rules.json'
import exceptions from '@/i18n/en/exceptions.json'
import submissions from '@/i18n/en/submissions.json'
import admin from '@/i18n/en/admin.json'
import advisories from '@/i18n/en/advisories.json'
import codes from '@/i18n/en/codes.json'

export default {
  ...frame,
  ...overview,
  ...nodes,
  ...images,
  ...registries,
  ...incidents,
  ...policies,
  ...profiles,
  ...reports,
  ...rules,
  ...exceptions,
  ...submissions,
  ...admin,
  ...advisories,
  ...codes,
}
