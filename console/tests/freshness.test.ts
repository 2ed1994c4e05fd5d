import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import { get } from '@/api/client'
import { connectionLost, markConnected, markLost } from '@/api/connection'
import { useItem, type Item } from '@/composables/item'
import { useList } from '@/composables/list'

let scope: EffectScope
let asked: string[]
/** What the server answers to what it was asked first, second and so on; what is not there, it never answers. */
let answers: (Response | Error)[]

beforeEach(() => {
  vi.useFakeTimers()
  scope = effectScope()
  asked = []
  answers = []
  vi.stubGlobal('fetch', (where: string, { signal }: { signal: AbortSignal }) => {
    asked.push(where.replace('/api/v1', ''))
    const answer = answers.shift()
    if (answer instanceof Error) return Promise.reject(answer)
    if (answer) return Promise.resolve(answer)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  })
})
afterEach(() => {
  scope.stop()
  markConnected()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const says = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status })
const settle = () => vi.advanceTimersByTimeAsync(0)
const MINUTE = 61_000

function item<T>(path: () => string | null, kept = true): Item<T> {
  const made = scope.run(() => useItem<T>(path, kept ? ['image'] : []))
  if (!made) throw new Error('the scope has ended')
  return made
}

describe('one thing', () => {
  it('is not shown as it was once it is gone, or for others only', async () => {
    for (const status of [404, 403]) {
      answers = [says('there'), says({}, status)]
      const made = item(() => '/images/a')
      await settle()
      expect(made.value.value).toBe('there')
      await vi.advanceTimersByTimeAsync(MINUTE)
      expect(made.value.value).toBeNull()
      expect(made.problem.value?.status).toBe(status)
      scope.stop()
      scope = effectScope()
    }
  })

  it('is shown as it was while the server has troubles of its own', async () => {
    answers = [says('there'), says({}, 500)]
    const made = item(() => '/images/a')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(asked).toHaveLength(2)
    expect(made.value.value).toBe('there')
    expect(made.problem.value).toBeNull()
  })

  it('does not bear why another could not be had', async () => {
    const path = ref<string | null>('/images/a')
    answers = [says({}, 404)]
    const made = item(() => path.value)
    await settle()
    expect(made.problem.value?.status).toBe(404)
    path.value = '/images/b'
    await nextTick()
    expect(made.problem.value).toBeNull()
  })

  it('is not shown any more where none is asked for', async () => {
    const path = ref<string | null>('/images/a')
    answers = [says('there')]
    const made = item(() => path.value)
    await settle()
    path.value = null
    await nextTick()
    expect(made.value.value).toBeNull()
  })

  it('that a form starts from stays as it was', async () => {
    answers = [says('first'), says('second')]
    const made = item(() => '/policies/a', false)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    markLost()
    markConnected()
    await settle()
    expect(made.value.value).toBe('first')
    expect(asked).toHaveLength(1)
  })

  it('that a form starts from is read once the server is back', async () => {
    answers = [new Error('unreachable')]
    const made = item(() => '/policies/a', false)
    await settle()
    expect(made.problem.value?.code).toBe('no-connection')
    answers = [says('first')]
    markConnected()
    await settle()
    expect(made.value.value).toBe('first')
    expect(made.problem.value).toBeNull()
  })
})

/** The browser's own clock is none that a test can turn. */
function silences(): () => void {
  const controller = new AbortController()
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(controller.signal)
  return () => controller.abort(new DOMException('', 'TimeoutError'))
}

describe('a server that says nothing', () => {
  it('is not waited for for ever, also by a list', async () => {
    const silent = silences()
    const list = scope.run(() =>
      useList<{ id: string }>({ path: () => '/images', query: () => ({}), key: ({ id }) => id }),
    )
    await settle()
    expect(list?.loading.value).toBe(true)
    silent()
    await settle()
    expect(list?.loading.value).toBe(false)
    expect(list?.problem.value?.code).toBe('no-connection')
    expect(connectionLost.value).toBe(true)
  })

  it('in the middle of an answer is no mistake of the console', async () => {
    const body = new ReadableStream({ start: (stream) => stream.error(new TypeError('cut off')) })
    answers = [new Response(body)]
    await expect(get('/images')).rejects.toMatchObject({ code: 'no-connection' })
    expect(connectionLost.value).toBe(true)
  })
})
