/** An incident in words, from its rule and the facts that came with it. */
import type { Incident, Process } from '@/api/types'
import { told } from '@/i18n'

/** What happened, in one sentence; a rule this console does not know is named by its id. */
export function summary(incident: Incident): string {
  const process = incident.lineage.at(-1)
  return told(
    'happened',
    incident.rule,
    {
      exe: process ? programOf(process) : '?',
      path: incident.details.path ?? process?.exe ?? '?',
      ...incident.details,
    },
    incident.rule,
  )
}

export function ruleTitle(rule: string, fallback?: string): string {
  return told('detector', rule, {}, fallback ?? rule)
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

function quoted(word: string): string {
  const visible = word.replace(HIDDEN, escaped)
  if (visible !== '' && !/[\s'"$`\\|&;<>()*?]/.test(visible)) return visible
  return `'${visible.replaceAll("'", "'\\''")}'`
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
