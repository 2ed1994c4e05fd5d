import { afterEach, expect, it, vi } from 'vitest'
import { closeStream, openStream } from '@/api/stream'
import WhereFilter from '@/components/images/WhereFilter.vue'
import { signIn } from '@/session'
import { mounted, serverSays } from './mounted'

class Source extends EventTarget {
  static last: Source
  constructor() {
    super()
    Source.last = this
  }
  close(): void {
    this.dispatchEvent(new Event('closed'))
  }
}

afterEach(() => {
  closeStream()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('asks for the names of registries once, however often one of them tells of what is read', async () => {
  vi.stubGlobal('EventSource', Source)
  const asked = serverSays({
    '/sessions': { permissions: ['registries:read'] },
    '/registries': { items: [{ id: 'r1', spec: { name: 'shop' } }], total: 1, cursor: null },
  })
  await signIn('a', 'b')
  closeStream()
  openStream()
  const page = await mounted(WhereFilter, {})
  await page.settle()
  expect(page.text()).toContain('shop')
  vi.useFakeTimers()
  for (let turn = 0; turn < 20; turn += 1) {
    Source.last.dispatchEvent(new MessageEvent('registry', { data: '{"id":"r1"}' }))
    await vi.advanceTimersByTimeAsync(500)
  }
  expect(asked.filter((each) => each.includes('/registries'))).toHaveLength(1)
  page.unmount()
})
