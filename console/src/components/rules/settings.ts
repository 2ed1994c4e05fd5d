/** What a policy says of rules: only what differs from the rules' own files is kept. */
import type { Action, RuleInfo, RuleSettings, RulesSpec } from '@/api/types'

/** What can follow any rule, as the server has it. */
const RULE_ACTIONS: readonly Action[] = ['alert', 'kill', 'pause', 'stop', 'isolate']
const REFUSABLE: readonly string[] = ['connect', 'send']

/** What can follow this one: connections and datagrams can be refused, too. */
export function actionsOf(info: RuleInfo): Action[] {
  return info.kinds.some((kind) => REFUSABLE.includes(kind)) ? [...RULE_ACTIONS, 'deny'] : [...RULE_ACTIONS]
}

export interface RuleState {
  enabled: boolean
  action: Action
  /** The policy says something else of it than its file. */
  changed: boolean
}

export function packOnly(): RulesSpec {
  return { pack: true, files: [], settings: {}, host: false }
}

/** A copy that shares nothing, with the settings by name: equal ones are equal as text. */
export function copyOf(rules: RulesSpec): RulesSpec {
  const names = Object.keys(rules.settings).sort()
  return {
    pack: rules.pack,
    files: rules.files.map(({ name, content }) => ({ name, content })),
    settings: Object.fromEntries(names.map((name) => [name, plain(rules.settings[name])])),
    host: rules.host,
  }
}

function plain(settings: RuleSettings | undefined): RuleSettings {
  return { enabled: settings?.enabled ?? null, action: settings?.action ?? 'alert' }
}

export function stateOf(info: RuleInfo, rules: RulesSpec): RuleState {
  const { enabled, action } = plain(ownSettings(rules, info.name))
  return {
    enabled: enabled ?? info.enabled,
    action,
    changed: (enabled !== null && enabled !== info.enabled) || action !== 'alert',
  }
}

/** `change` says what is wanted; what the file has anyway is not written down. */
export function withSetting(
  rules: RulesSpec,
  info: RuleInfo,
  change: Partial<Pick<RuleState, 'enabled' | 'action'>>,
): RulesSpec {
  const wanted = { ...stateOf(info, rules), ...change }
  const enabled = wanted.enabled === info.enabled ? null : wanted.enabled
  const others = withoutSettings(rules, [info.name])
  if (enabled === null && wanted.action === 'alert') return others
  return { ...others, settings: { ...others.settings, [info.name]: { enabled, action: wanted.action } } }
}

export function withoutSettings(rules: RulesSpec, names: readonly string[]): RulesSpec {
  const kept = Object.entries(rules.settings).filter(([name]) => !names.includes(name))
  return { ...rules, settings: Object.fromEntries(kept) }
}

/** Rules that the policy says something of but does not have: their file is gone, or the pack is off. */
export function orphans(rules: RulesSpec, infos: readonly RuleInfo[]): string[] {
  const known = new Set(infos.map((info) => info.name))
  return Object.keys(rules.settings).filter((name) => !known.has(name))
}

/** A rule may have any name, `constructor` too. */
function ownSettings(rules: RulesSpec, name: string): RuleSettings | undefined {
  return Object.hasOwn(rules.settings, name) ? rules.settings[name] : undefined
}
