import { afterEach, describe, expect, it, vi } from 'vitest'
import type { FindingException, Suppressed } from '@/api/types'
import { fromSpec } from '@/components/exceptions/draft'
import ExceptionDetail from '@/components/exceptions/ExceptionDetail.vue'
import ExceptionForm from '@/components/exceptions/ExceptionForm.vue'
import { whereText } from '@/components/exceptions/words'
import SuppressedList from '@/components/images/SuppressedList.vue'
import { mounted, type Mounted } from './mounted'

const image = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`
const exception = {
  id: 'e1',
  version: 1,
  spec: { vulnerabilities: ['CVE-2024-0001'], reason: 'no', image_ids: [image, other] },
  state: 'in_force',
  created_at: '2026-03-01T12:00:00Z',
  created_by: 'user:alice',
  changed_at: '2026-03-01T12:00:00Z',
  changed_by: 'user:alice',
  findings: 1,
  images: 1,
  names: { [image]: 'shop/web:1' },
} as unknown as FindingException

let page: Mounted | null = null
afterEach(() => {
  page?.unmount()
  page = null
  vi.unstubAllGlobals()
})

describe('an exception', () => {
  it('names the images that it is about, and shows the id only of one without a name', () => {
    expect(whereText(exception)).toBe(`shop/web:1, ${'b'.repeat(12)}…`)
  })

  it('has a space between an image and its id', async () => {
    page = await mounted(ExceptionDetail, { exception })
    expect(page.text()).toContain('shop/web:1 sha256:aaaaaaaa…aaaa')
    expect(page.text()).toContain('Image sha256:bbbbbbbb…bbbb')
  })

  it('asks what its change would do with its own id', async () => {
    HTMLDialogElement.prototype.showModal = vi.fn()
    const bodies: unknown[] = []
    vi.stubGlobal('fetch', (_: string, request: RequestInit) => {
      bodies.push(JSON.parse(request.body as string))
      const found = { findings: 1, images: 1, exact: true, examples: ['shop/web:1'] }
      return Promise.resolve(new Response(JSON.stringify(found)))
    })
    page = await mounted(ExceptionForm, { draft: fromSpec(exception.spec), of: exception })
    await page.settle()
    expect(bodies).toEqual([expect.objectContaining({ exception: 'e1' })])
    expect(page.text()).toContain('1 finding of 1 image will not count')
  })
})

describe('what does not count', () => {
  it('says by whom', async () => {
    const found = {
      vulnerability: { id: 'CVE-2024-0001', package: 'pkg:npm/a@1', installed: '1', severity: 'high' },
      by: 'exception',
      reason: 'not reachable',
      until: null,
      source: 'e1',
    } as unknown as Suppressed
    page = await mounted(SuppressedList, { suppressed: [found], saidBy: { e1: 'user:alice' } })
    expect(page.text()).toContain('Exception · alice')
  })
})
