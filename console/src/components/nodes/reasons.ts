/** Why a node is not simply protected, and what to do about it. */
import type { Reason } from '@/api/types'
import { i18n, told } from '@/i18n'
import { duration } from '@/i18n/format'

export function reasonText(reason: Reason): string {
  const { seconds } = reason.params
  const spoken = typeof seconds === 'number' ? { duration: duration(seconds) } : {}
  return told('reason', reason.code, { ...reason.params, ...spoken }, reason.message)
}

/** The next step for a reason; null when this console knows none. */
export function nextStep(reason: Reason): string | null {
  const key = `nextStep.${reason.code.replaceAll('.', '_')}`
  return i18n.global.te(key) ? i18n.global.t(key, reason.params) : null
}
