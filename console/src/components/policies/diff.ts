/** What differs between two versions of a policy, as a person would list it. */
import type { Parameter, PolicySpec, RuleSettings } from '@/api/types'
import { lineChanges, type LineChange } from '@/components/policies/textDiff'

export interface Change {
  part:
    | 'name'
    | 'description'
    | 'enabled'
    | 'detector'
    | 'action'
    | 'parameter'
    | 'nodes'
    | 'images'
    | 'pack'
    | 'host'
    | 'ruleFile'
    | 'ruleFileOrder'
    | 'rule'
    | RolloutPart
  detector?: string
  parameter?: string
  rule?: string
  /** A rule file's name. */
  file?: string
  before: Shown
  after: Shown
  /** For lists: what went and what came, instead of both in full. */
  removed?: string[]
  added?: string[]
  /** For texts of many lines: those that went and came, with some around them. */
  lines?: LineChange[]
}

const ROLLOUT_PARTS = [
  'mode',
  'canary_nodes',
  'canary_percent',
  'automatic',
  'watch_minutes',
  'tolerated_exits',
] as const
export type RolloutPart = (typeof ROLLOUT_PARTS)[number]

/** `undefined`: not set, so the detector's default. */
export type Shown = Parameter | undefined

export function changes(before: PolicySpec, after: PolicySpec): Change[] {
  const found: Change[] = []
  for (const part of ['name', 'description', 'enabled'] as const) {
    if (before[part] !== after[part]) found.push({ part, before: before[part], after: after[part] })
  }
  for (const part of ['nodes', 'images'] as const) {
    compare({ part }, before.binding[part], after.binding[part], found)
  }
  for (const part of ROLLOUT_PARTS) compare({ part }, before.rollout[part], after.rollout[part], found)
  const ids = new Set([...Object.keys(before.detectors), ...Object.keys(after.detectors)])
  for (const detector of [...ids].sort()) inDetector(detector, before, after, found)
  inRules(before.rules, after.rules, found)
  return found
}

function inRules(before: PolicySpec['rules'], after: PolicySpec['rules'], found: Change[]): void {
  for (const part of ['pack', 'host'] as const) {
    if (before[part] !== after[part]) found.push({ part, before: before[part], after: after[part] })
  }
  const old = new Map(before.files.map((file) => [file.name, file.content]))
  const now = new Map(after.files.map((file) => [file.name, file.content]))
  for (const file of new Set([...old.keys(), ...now.keys()])) {
    const lines = lineChanges(old.get(file) ?? '', now.get(file) ?? '')
    if (lines.length || old.has(file) !== now.has(file)) {
      found.push({ part: 'ruleFile', file, before: old.get(file), after: now.get(file), lines })
    }
  }
  const stayed = [...old.keys()].filter((name) => now.has(name))
  const order = [...now.keys()].filter((name) => old.has(name))
  if (stayed.join('\n') !== order.join('\n')) {
    // Later files change what earlier ones say.
    found.push({ part: 'ruleFileOrder', before: stayed, after: order })
  }
  const names = new Set([...Object.keys(before.settings), ...Object.keys(after.settings)])
  for (const rule of [...names].sort()) inRule(rule, before.settings[rule], after.settings[rule], found)
}

function inRule(
  rule: string,
  old: RuleSettings | undefined,
  now: RuleSettings | undefined,
  found: Change[],
): void {
  const was = old?.enabled ?? undefined
  const is = now?.enabled ?? undefined
  if (was !== is) found.push({ part: 'rule', rule, before: was, after: is })
  const action = { before: old?.action ?? 'alert', after: now?.action ?? 'alert' }
  if (action.before !== action.after) found.push({ part: 'action', rule, ...action })
}

function inDetector(detector: string, before: PolicySpec, after: PolicySpec, found: Change[]): void {
  const old = before.detectors[detector]
  const now = after.detectors[detector]
  const was = old?.enabled ?? false
  const is = now?.enabled ?? false
  if (was !== is) found.push({ part: 'detector', detector, before: was, after: is })
  if (old && now && old.action !== now.action) {
    found.push({ part: 'action', detector, before: old.action, after: now.action })
  }
  const names = new Set([...Object.keys(old?.parameters ?? {}), ...Object.keys(now?.parameters ?? {})])
  for (const parameter of [...names].sort()) {
    compare(
      { part: 'parameter', detector, parameter },
      old?.parameters[parameter],
      now?.parameters[parameter],
      found,
    )
  }
}

function compare(
  where: Pick<Change, 'part' | 'detector' | 'parameter'>,
  before: Shown,
  after: Shown,
  found: Change[],
) {
  if (JSON.stringify(before) === JSON.stringify(after)) return
  const change: Change = { ...where, before, after }
  if (Array.isArray(before) && Array.isArray(after)) {
    change.removed = before.filter((each) => !after.includes(each))
    change.added = after.filter((each) => !before.includes(each))
  }
  found.push(change)
}
