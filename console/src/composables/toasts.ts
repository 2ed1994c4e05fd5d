/** Short words about what was just done, with the way back. */
import { readonly, ref } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'done' | 'failed'
  undo?: () => Promise<void> | void
}

const SHOWN = 10_000
const MOST = 4
const list = ref<Toast[]>([])
const timers = new Map<number, ReturnType<typeof setTimeout>>()
let last = 0

export const toasts = readonly(list)

export function toast(text: string, more: Partial<Pick<Toast, 'tone' | 'undo'>> = {}): void {
  const id = ++last
  list.value = [...list.value, { id, text, tone: 'done', ...more } as Toast].slice(-MOST)
  resume(id)
}

export function dismiss(id: number): void {
  pause(id)
  list.value = list.value.filter((each) => each.id !== id)
}

/** Stays while somebody is about to use it. */
export function pause(id: number): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
}

export function resume(id: number): void {
  pause(id)
  timers.set(
    id,
    setTimeout(() => dismiss(id), SHOWN),
  )
}
