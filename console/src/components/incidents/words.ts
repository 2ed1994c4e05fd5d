/** An incident in words, from its rule and the facts that came with it. */
import type { Incident, Process } from '@/api/types'
import { inLanguage, ruleWords } from '@/components/rules/words'
import { packRule } from '@/composables/rules'
import { i18n, told } from '@/i18n'
import { sentenceOf } from '@/i18n/sentences'

/** The detail that holds the sentence of a rule; the other details are the fields in it. */
export const SENTENCE = 'output'

/** What happened: of a detector in one sentence, of a rule its title; one that is not known is named by its name. */
export function summary(incident: Incident): string {
  return happened(incident, incident.lineage.at(-1))
}

/** The same of anything that was observed, and of who did it. */
export function happened(
  seen: Pick<Incident, 'rule' | 'title' | 'title_zh' | 'details'>,
  process: Process | undefined,
): string {
  return told(
    'happened',
    seen.rule,
    {
      exe: process ? programOf(process) : '?',
      path: seen.details.path ?? process?.exe ?? '?',
      ...Object.fromEntries(
        Object.entries(seen.details).map(([name, value]) => [name, factValue(name, value, seen.rule)]),
      ),
    },
    titleOf(seen),
  )
}

/** The value of a fact; a code in words, and what an agent says of itself in the language chosen. */
export function factValue(name: string, value: string, rule: string): string {
  return told('factValue', `${name}_${value}`, {}, OF_PROTECTION.has(rule) ? sentenceOf(value) : value)
}

/** What stands below it: the sentence of a rule, the title of a detector. */
export function below(incident: Incident): string {
  const said = incident.details[SENTENCE]
  return said === undefined ? titleOf(incident) : visible(said)
}

/** Of a detector or a rule; a team's own rule is called by its name. */
export function ruleTitle(rule: string, fallback?: string): string {
  const info = packRule(rule)
  return told('detector', rule, {}, info ? ruleWords(info).title : (fallback ?? rule))
}

/** Of what was observed: a rule of a team's own has brought its title along. */
export function titleOf(seen: { rule: string; title: string; title_zh: string }): string {
  return ruleTitle(seen.rule, inLanguage(seen.title, seen.title_zh) || undefined)
}

/** What an agent tells of protection itself: no policy decides what follows. */
const OF_PROTECTION = new Set([
  'agent.ended',
  'agent.responder-failed',
  'agent.rule-limited',
  'agent.tampered',
  'policy.rolled-back',
  'profile.rolled-back',
  'sensor.coverage-gap',
])

/** What followed it, in one sentence. */
export function followed(incident: Incident): string {
  const { t } = i18n.global
  if (incident.self_test) return t('incidents.selfTestText')
  if (OF_PROTECTION.has(incident.rule)) return t('incidents.ofProtection')
  if (incident.would) return t('incidents.wouldText', { action: t(`action.${incident.would}`) })
  if (!incident.stopped) return t(`incidents.followed.${incident.action}`)
  return incident.action === 'deny' ? t('incidents.deniedText') : t('incidents.stoppedText')
}

export function programOf(process: Process): string {
  return process.comm || process.exe?.split('/').at(-1) || String(process.pid)
}

/** The command line as it was typed, with what would hide in a terminal made visible. */
export function commandLine(process: Process): string {
  const words = process.args?.length ? process.args : [process.exe ?? process.comm ?? '?']
  return words.map(quoted).join(' ') + (process.args_truncated ? ' …' : '')
}

// Control characters, and those that reorder or hide text: what an attacker would put into a command line.
const HIDDEN = /[\p{Cc}\p{Cf}]/gu

export function visible(text: string): string {
  return text.replace(HIDDEN, escaped)
}

function quoted(word: string): string {
  const shown = visible(word)
  if (shown !== '' && !/[\s'"$`\\|&;<>()*?]/.test(shown)) return shown
  return `'${shown.replaceAll("'", "'\\''")}'`
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
