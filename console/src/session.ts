/** Who is signed in, and what they may do. */
import { computed, ref } from 'vue'
import { get, post, Problem, remove } from '@/api/client'
import { closeStream, openStream } from '@/api/stream'
import type { CurrentSession, Permission } from '@/api/types'

const current = ref<CurrentSession | null>(null)
let asked: Promise<void> | null = null

export const session = computed(() => current.value)

/** True if the signed-in user holds the permission; what it guards is hidden otherwise. */
export function can(permission: Permission): boolean {
  return current.value?.permissions.includes(permission) ?? false
}

/** Asks the server once who is signed in. */
export function restoreSession(): Promise<void> {
  asked ??= get<CurrentSession>('/sessions/current').then(begin, (failure: unknown) => {
    asked = null
    if (failure instanceof Problem && failure.status === 401) return
    throw failure
  })
  return asked
}

export async function signIn(username: string, password: string): Promise<CurrentSession> {
  const opened = await post<CurrentSession>('/sessions', { body: { username, password } })
  begin(opened)
  return opened
}

export async function signOut(): Promise<void> {
  await remove('/sessions/current')
  forget()
}

/** With a one-time password one may do nothing else; with one's own, what the role allows. */
export async function passwordChanged(): Promise<void> {
  begin(await get<CurrentSession>('/sessions/current'))
}

/** The session is over on the server; nothing of it may stay on the screen. */
export function forget(): void {
  current.value = null
  asked = null
  closeStream()
}

function begin(opened: CurrentSession): void {
  current.value = opened
  asked = Promise.resolve()
  if (!opened.must_change_password) openStream()
}
