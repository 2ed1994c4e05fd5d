import frame from '@/i18n/zh-CN/frame.json'
import overview from '@/i18n/zh-CN/overview.json'
import nodes from '@/i18n/zh-CN/nodes.json'
import images from '@/i18n/zh-CN/images.json'
import registries from '@/i18n/zh-CN/registries.json'
import incidents from '@/i18n/zh-CN/incidents.json'
import policies from '@/i18n/zh-CN/policies.json'
import profiles from '@/i18n/zh-CN/profiles.json'
import reports from '@/i18n/zh-CN/reports.json'
import rules from '@/i18n/zh-CN/rules.json'
import exceptions from '@/i18n/zh-CN/exceptions.json'
import submissions from '@/i18n/zh-CN/submissions.json'
import admin from '@/i18n/zh-CN/admin.json'
import advisories from '@/i18n/zh-CN/advisories.json'
import codes from '@/i18n/zh-CN/codes.json'

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
