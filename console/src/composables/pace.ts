import { nextTick } from 'vue'

/**
 * Does a piece of work soon after it is asked for, and not again before `gap` milliseconds have passed.
 *
 * The first request is met at once. Requests that come meanwhile are one request; none of them puts the work off, so
 * what changes without a pause is still shown.
 */
export interface Paced {
  soon: () => void
  stop: () => void
}

let acting: Promise<unknown> = Promise.resolve()

/**
 * Does what somebody asked for, and lets all paced work wait until that is done and what it leads to is shown.
 *
 * The news of a deletion may come before its answer, and a page should not ask again for what goes with it.
 */
export function undisturbed(work: () => Promise<void>): Promise<void> {
  const done = work()
  acting = Promise.allSettled([acting, done]).then(() => nextTick())
  return done
}

export function paced(work: () => Promise<void>, gap: number): Paced {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false
  let again = false
  let ended = false
  let next = 0

  function soon(): void {
    if (running) again = true
    else timer ??= setTimeout(() => void run(), Math.max(0, next - Date.now()))
  }

  async function run(): Promise<void> {
    timer = undefined
    running = true
    await acting
    again = false
    next = Date.now() + gap
    try {
      if (ended) return
      await work()
    } finally {
      running = false
      if (again && !ended) soon()
    }
  }

  return {
    soon,
    stop: () => {
      clearTimeout(timer)
      ended = true
    },
  }
}
