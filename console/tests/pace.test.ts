import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { paced } from '@/composables/pace'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the first request is met at once', async () => {
  const work = vi.fn(() => Promise.resolve())
  paced(work, 250).soon()
  await vi.advanceTimersByTimeAsync(0)
  expect(work).toHaveBeenCalledTimes(1)
})

test('requests without a pause do not put the work off for ever', async () => {
  const work = vi.fn(() => Promise.resolve())
  const pace = paced(work, 250)
  for (let elapsed = 0; elapsed < 1000; elapsed += 10) {
    pace.soon()
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(work.mock.calls.length).toBeGreaterThanOrEqual(4)
  expect(work.mock.calls.length).toBeLessThanOrEqual(5)
})

test('a request that comes while the work runs is met afterwards', async () => {
  let finish = () => {}
  const work = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)))
  const pace = paced(work, 250)
  pace.soon()
  await vi.advanceTimersByTimeAsync(0)
  pace.soon()
  await vi.advanceTimersByTimeAsync(1000)
  expect(work).toHaveBeenCalledTimes(1)
  finish()
  await vi.advanceTimersByTimeAsync(250)
  expect(work).toHaveBeenCalledTimes(2)
})

test('nothing happens after the end', async () => {
  const work = vi.fn(() => Promise.resolve())
  const pace = paced(work, 250)
  pace.soon()
  pace.stop()
  await vi.advanceTimersByTimeAsync(1000)
  expect(work).not.toHaveBeenCalled()
})
