import { afterEach, expect, it, vi } from 'vitest'
import UploadFile from '@/components/advisories/UploadFile.vue'
import { mounted, type Mounted } from './mounted'

let page: Mounted | null = null
afterEach(() => {
  page?.unmount()
  page = null
  vi.unstubAllGlobals()
})

/** What the server says of each file, by its name; and how many were on their way at a time. */
function server(answers: Record<string, number>) {
  const seen = { sent: [] as string[], most: 0, now: 0 }
  vi.stubGlobal(
    'XMLHttpRequest',
    class {
      status = 0
      statusText = ''
      responseText = '{}'
      upload = {}
      onload?: () => void
      private name = ''
      open(_: string, where: string) {
        this.name = new URLSearchParams(where.split('?')[1]).get('name') ?? ''
      }
      setRequestHeader() {}
      getResponseHeader() {
        return null
      }
      send() {
        seen.sent.push(this.name)
        seen.most = Math.max(seen.most, ++seen.now)
        setTimeout(() => {
          seen.now--
          this.status = answers[this.name] ?? 201
          if (this.status >= 300)
            this.responseText = JSON.stringify({
              code: this.status === 429 ? 'upload-busy' : 'x',
              detail: 'It is none.',
            })
          this.onload?.()
        })
      }
    },
  )
  return seen
}

const named = (name: string) => new File(['{}'], name)

async function dropped(...names: string[]) {
  HTMLDialogElement.prototype.showModal = vi.fn()
  page = await mounted(UploadFile, {})
  const drop = new Event('drop', { cancelable: true })
  Object.assign(drop, { dataTransfer: { files: names.map(named) } })
  document.querySelector('form')?.dispatchEvent(drop)
  await page.settle()
  return page
}

async function sent(open: Mounted) {
  document.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }))
  for (let turn = 0; turn < 10; turn++) await open.settle()
}

it('sends what was dropped one after another, and says of each what became of it', async () => {
  const seen = server({ 'b.json': 422 })
  const open = await dropped('a.json', 'b.json', 'c.json')
  expect(open.text()).toContain('a.json')
  await sent(open)
  expect(seen.sent).toEqual(['a.json', 'b.json', 'c.json'])
  expect(seen.most).toBe(1)
  const lines = [...document.querySelectorAll('.items li')].map((line) =>
    line.textContent.replace(/\s+/g, ' '),
  )
  expect(lines[0]).toContain('Taken')
  expect(lines[1]).toContain('It is none.')
  expect(lines[2]).toContain('Taken')
  await sent(open)
  expect(seen.sent).toHaveLength(3)
})

it('offers to send those again that there was no room for, and no others', async () => {
  const answers: Record<string, number> = { 'b.json': 429, 'c.json': 422 }
  const seen = server(answers)
  const open = await dropped('a.json', 'b.json', 'c.json')
  await sent(open)
  delete answers['b.json']
  await sent(open)
  expect(seen.sent).toEqual(['a.json', 'b.json', 'c.json', 'b.json'])
})
