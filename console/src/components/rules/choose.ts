/** Finding rules in a long list. */
import type { RuleInfo, RulesSpec } from '@/api/types'
import { stateOf } from '@/components/rules/settings'

export const STATES = ['on', 'off', 'changed'] as const

export interface Wanted {
  words: string
  severity: string
  /** One of `STATES`, or empty. */
  state: string
  /** A file's name, `pack` for those that come with the product, or empty. */
  file: string
}

/** Files of the pack are called `pack/NAME`; a team's own have no slash. */
export const PACK = 'pack'

export function isOfPack(file: string): boolean {
  return file.startsWith(`${PACK}/`)
}

export function chosen(infos: readonly RuleInfo[], rules: RulesSpec, wanted: Wanted): RuleInfo[] {
  const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean)
  return infos.filter((info) => {
    if (wanted.severity && info.severity !== wanted.severity) return false
    if (wanted.file && (wanted.file === PACK ? !isOfPack(info.file) : info.file !== wanted.file)) return false
    if (wanted.state && !inState(info, rules, wanted.state)) return false
    const text = searched(info)
    return words.every((word) => text.includes(word))
  })
}

function inState(info: RuleInfo, rules: RulesSpec, state: string): boolean {
  const now = stateOf(info, rules)
  return state === 'changed' ? now.changed : now.enabled === (state === 'on')
}

/** Both languages: who reads one may search for a word of the other. */
function searched(info: RuleInfo): string {
  return [info.name, info.title, info.title_zh, info.desc, info.technique, ...info.tags]
    .join(' ')
    .toLowerCase()
}
