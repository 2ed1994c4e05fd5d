/** How far a profile may be, in the order in which it goes on. */
import type { ProfileState } from '@/api/types'
import type { IconName } from '@/components/icons'

export const STATES: readonly ProfileState[] = ['learning', 'review', 'monitor', 'protect']

export const LOOKS: Record<ProfileState, { tone: 'ok' | 'caution' | 'idle' | 'busy'; icon: IconName }> = {
  learning: { tone: 'busy', icon: 'learn' },
  review: { tone: 'caution', icon: 'clock' },
  monitor: { tone: 'ok', icon: 'eye' },
  protect: { tone: 'ok', icon: 'shield' },
}

/** Whether a step leads back: it is worded and shown as the lesser one. */
export function leadsBack(from: ProfileState, to: ProfileState): boolean {
  return STATES.indexOf(to) < STATES.indexOf(from)
}
