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

export function paced(work: () => Promise<void>, gap: number): Paced {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false
  let again = false
  let next = 0

  function soon(): void {
    if (running) again = true
    else timer ??= setTimeout(() => void run(), Math.max(0, next - Date.now()))
  }

  async function run(): Promise<void> {
    timer = undefined
    running = true
    again = false
    next = Date.now() + gap
    try {
      await work()
    } finally {
      running = false
      if (again) soon()
    }
  }

  return {
    soon,
    stop: () => {
      clearTimeout(timer)
      again = false
    },
  }
}
