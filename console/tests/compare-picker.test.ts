import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import ComparePicker from '@/components/reports/ComparePicker.vue'
import { mounted, type Mounted } from './mounted'
import { IMAGE } from './records'

const OTHER = { ...IMAGE, id: `sha256:${'b'.repeat(64)}`, names: ['registry.example/shop:0'] }
const page = (...items: object[]) => ({ items, total: items.length, cursor: null })
let asked: string[]
/** By the words that were looked for; of others there is no answer yet. */
let answers: Record<string, [number, object]>
let picker: Mounted

beforeEach(() => {
  HTMLDialogElement.prototype.showModal = vi.fn()
  asked = []
  vi.stubGlobal('fetch', (where: string) => {
    const words = new URLSearchParams(where.split('?')[1]).get('q') ?? ''
    asked.push(words)
    const [status, body] = answers[words] ?? [0, {}]
    return status
      ? Promise.resolve(new Response(JSON.stringify(body), { status }))
      : new Promise(() => undefined)
  })
})
afterEach(() => {
  vi.useRealTimers()
  picker.unmount()
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

it('says that there is no other image only once both lists are there', async () => {
  answers = { '': [200, page()] }
  picker = await mounted(ComparePicker, { image: IMAGE })
  await picker.settle()
  expect(picker.text()).not.toContain('No other image')
})

it('says that images of the same name could not be read, and shows them after another try', async () => {
  answers = { '': [200, page()], 'registry.example/shop': [503, {}] }
  picker = await mounted(ComparePicker, { image: IMAGE })
  await picker.settle()
  expect(picker.text()).not.toContain('No other image')
  answers['registry.example/shop'] = [200, page(OTHER)]
  await picker.click('Try again')
  await picker.settle()
  expect(picker.text()).toContain('registry.example/shop:0')
})

it('does not look for each letter that is typed', async () => {
  answers = { '': [200, page()], 'registry.example/shop': [200, page()], till: [200, page(OTHER)] }
  picker = await mounted(ComparePicker, { image: IMAGE })
  await picker.settle()
  vi.useFakeTimers()
  const input = document.querySelector<HTMLInputElement>('input[type=search]')
  if (!input) throw new Error('there is no field')
  for (const words of ['t', 'ti', 'til', 'till']) {
    input.value = words
    input.dispatchEvent(new Event('input'))
    await vi.advanceTimersByTimeAsync(50)
  }
  await vi.advanceTimersByTimeAsync(1000)
  expect(asked.slice(2)).toEqual(['till'])
  expect(picker.text()).toContain('registry.example/shop:0')
})
