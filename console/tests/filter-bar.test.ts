import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { h, ref } from 'vue'
import FilterBar from '@/components/FilterBar.vue'
import { mounted, type Mounted } from './mounted'

let page: Mounted
const shown = ref(true)
const Tab = () => (shown.value ? h(FilterBar, { placeholder: 'Search', active: false }) : null)

beforeEach(async () => {
  shown.value = true
  page = await mounted(Tab, {}, 'en', '/registry/r1?state=done')
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  page.unmount()
})

function type(words: string): void {
  const input = page.root.querySelector('input')
  if (!input) throw new Error('there is no field')
  input.value = words
  input.dispatchEvent(new Event('input'))
}

const address = () => page.router.currentRoute.value.fullPath

describe('words to look for', () => {
  it('are in the address soon after they were typed', async () => {
    type('log')
    await vi.advanceTimersByTimeAsync(100)
    type('log-shipper')
    await vi.advanceTimersByTimeAsync(1000)
    expect(address()).toBe('/registry/r1?state=done&q=log-shipper')
  })

  it('are kept where something else of the same page is opened meanwhile', async () => {
    type('log-shipper')
    await page.router.push('/registry/r1?state=failed')
    await vi.advanceTimersByTimeAsync(1000)
    expect(address()).toBe('/registry/r1?state=failed&q=log-shipper')
  })

  it('do not lead back from a page that takes its time to load', async () => {
    page.router.beforeResolve(() => new Promise((loaded) => setTimeout(loaded, 500)))
    type('log-shipper')
    void page.router.push('/image/a')
    await vi.advanceTimersByTimeAsync(1000)
    expect(address()).toBe('/image/a')
  })

  it('are not written once their list is gone', async () => {
    type('log-shipper')
    shown.value = false
    await vi.advanceTimersByTimeAsync(1000)
    expect(address()).toBe('/registry/r1?state=done')
  })
})
