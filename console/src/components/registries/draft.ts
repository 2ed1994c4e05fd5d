/** A registry while it is being edited: lists as lines, the schedule as a choice, the password as what is to become of it. */
import type { Registry, RegistryInput, RegistrySpec } from '@/api/types'
import { lines } from '@/components/policies/draft'

/** Hours between two listings that can be chosen; any other number is a schedule of one's own. */
export const SCHEDULES = [6, 12, 24, 168] as const
export const MANUAL = 'manual'
export const OWN = 'own'
export const HOURS_MAX = 720

export type PasswordChange = 'keep' | 'give' | 'remove'

export interface RegistryDraft {
  name: string
  address: string
  insecure: boolean
  username: string
  password: string
  change: PasswordChange
  ca: string
  repositories: string
  tags: string
  /** Empty: every tag. */
  newest: number | ''
  platforms: string
  schedule: string
  hours: number
}

export function emptyRegistry(): RegistrySpec {
  return {
    name: '',
    address: '',
    insecure: false,
    username: '',
    ca: '',
    repositories: [],
    tags: ['*'],
    newest: null,
    platforms: ['linux/amd64'],
    every_hours: 24,
  }
}

export function draftOf(spec: RegistrySpec, hasPassword: boolean): RegistryDraft {
  const { repositories, tags, newest, platforms, every_hours: hours, ...same } = spec
  return {
    ...same,
    password: '',
    change: hasPassword ? 'keep' : 'give',
    repositories: repositories.join('\n'),
    tags: tags.join('\n'),
    newest: newest ?? '',
    platforms: platforms.join('\n'),
    schedule: scheduleOf(hours),
    hours: hours ?? 24,
  }
}

export function specOf(draft: RegistryDraft): RegistrySpec {
  return {
    name: draft.name.trim(),
    ...connectionOf(draft),
    username: draft.username.trim(),
    ca: draft.ca.trim() ? draft.ca : '',
    repositories: lines(draft.repositories),
    tags: lines(draft.tags),
    newest: draft.newest === '' ? null : draft.newest,
    platforms: lines(draft.platforms),
    every_hours: hoursOf(draft),
  }
}

/** Null keeps the password that the server has; an empty one takes it away. */
export function passwordOf(draft: RegistryDraft): string | null {
  if (draft.change === 'keep') return null
  return draft.change === 'give' ? draft.password || null : ''
}

export function inputOf(draft: RegistryDraft, comment: string): RegistryInput {
  return { spec: specOf(draft), password: passwordOf(draft), comment: comment.trim() }
}

/** A password goes nowhere else than where it was given for: who changes that gives it again. */
export function passwordNeeded(before: Registry | null, draft: RegistryDraft): boolean {
  if (!before?.has_password || draft.change === 'remove') return false
  const now = specOf(draft)
  const { spec } = before
  return now.address !== spec.address || now.insecure !== spec.insecure || now.ca !== spec.ca
}

/** Where it is asked, and how: a scheme that somebody wrote before the address says whether it is encrypted. */
export function connectionOf(draft: RegistryDraft): Pick<RegistrySpec, 'address' | 'insecure'> {
  const scheme = /^\s*(https?):\/\//i.exec(draft.address)?.[1]?.toLowerCase()
  return {
    address: bareAddress(draft.address),
    insecure: scheme === undefined ? draft.insecure : scheme === 'http',
  }
}

/** An address as people copy it from a browser, without what the server does not want. */
export function bareAddress(text: string): string {
  return text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+$/, '')
}

function scheduleOf(hours: number | null): string {
  if (hours === null) return MANUAL
  return (SCHEDULES as readonly number[]).includes(hours) ? String(hours) : OWN
}

function hoursOf(draft: RegistryDraft): number | null {
  if (draft.schedule === MANUAL) return null
  return draft.schedule === OWN ? draft.hours : Number(draft.schedule)
}
