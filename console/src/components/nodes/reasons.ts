/** Why a node is not simply protected, and what to do about it. */
import type { Reason } from '@/api/types'
import { i18n, told } from '@/i18n'
import { duration } from '@/i18n/format'
import { sentenceOf } from '@/i18n/sentences'

/** Facts that the agent says in English words; others are names. */
const SAID = new Set(['why', 'what'])

export function reasonText(reason: Reason): string {
  const { seconds } = reason.params
  const spoken = typeof seconds === 'number' ? { duration: duration(seconds) } : {}
  return told('reason', reason.code, { ...facts(reason), ...spoken }, sentenceOf(reason.message))
}

/** The next step for a reason; null when this console knows none. */
export function nextStep(reason: Reason): string | null {
  const key = `nextStep.${reason.code.replaceAll('.', '_')}`
  return i18n.global.te(key) ? i18n.global.t(key, facts(reason)) : null
}

/** What fills the sentence of a reason; some of it are sentences themselves. */
function facts(reason: Reason): Reason['params'] {
  return Object.fromEntries(
    Object.entries(reason.params).map(([name, value]) => [
      name,
      typeof value === 'string' && SAID.has(name) ? sentenceOf(value) : value,
    ]),
  )
}
