import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { FindingException, Suppressed } from '@/api/types'
import { fromSpec } from '@/components/exceptions/draft'
import ExceptionDetail from '@/components/exceptions/ExceptionDetail.vue'
import ExceptionForm from '@/components/exceptions/ExceptionForm.vue'
import { suppressedText, whereText } from '@/components/exceptions/words'
import SuppressedList from '@/components/images/SuppressedList.vue'
import { useLanguage } from '@/i18n'
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

beforeAll(() => useLanguage('en'))

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
    page = await mounted(ExceptionDetail, { exception, leave: () => Promise.resolve() })
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

describe('why something does not count', () => {
  const said = (reason: string, by: 'exception' | 'vex' | 'distribution' = 'exception') =>
    suppressedText({ by, reason })
  const cases = [
    [
      'not_affected: vulnerable_code_not_present',
      '不受影响：有漏洞的代码不存在',
      'Not affected: The vulnerable code is not there',
    ],
    [
      'not_affected: vulnerable_code_not_present: built without it',
      '不受影响：有漏洞的代码不存在；built without it',
      'Not affected: The vulnerable code is not there; built without it',
    ],
    [
      'not_affected: only behind the proxy',
      '不受影响：only behind the proxy',
      'Not affected: only behind the proxy',
    ],
    [
      'fixed: no justification given (a.json)',
      '已修复：未说明理由 (a.json)',
      'Fixed: no justification given (a.json)',
    ],
    [
      'resolved: code_not_reachable; never called (a.json)',
      '已修复：有漏洞的代码从不运行；never called (a.json)',
      'Fixed: the vulnerable code is never run; never called (a.json)',
    ],
    ['Behind the proxy: not reachable', 'Behind the proxy: not reachable', 'Behind the proxy: not reachable'],
  ] as const

  it('is said in words and not in the codes of VEX, and what people wrote as they wrote it', async () => {
    await useLanguage('zh-CN')
    for (const [reason, chinese] of cases) expect(said(reason)).toBe(chinese)
    await useLanguage('en')
    for (const [reason, , english] of cases) expect(said(reason, 'vex')).toBe(english)
    expect(said('fixed: it', 'distribution')).toBe('fixed: it')
  })

  it('has Chinese commas in Chinese', async () => {
    await useLanguage('zh-CN')
    expect(whereText(exception)).toBe(`shop/web:1、${'b'.repeat(12)}…`)
    await useLanguage('en')
  })
})

it('has its title in its details', async () => {
  page = await mounted(ExceptionDetail, { exception, leave: () => Promise.resolve() })
  expect(page.root.querySelector('h2')?.textContent).toBe('CVE-2024-0001')
})

it('marks the field that the server did not take', async () => {
  vi.stubGlobal('fetch', (where: string) => {
    const made = !where.endsWith('/preview')
    const body = made
      ? { code: 'exception.past', detail: 'That day is over.', field: '$.spec.expires' }
      : { findings: 0, images: 0, exact: true, examples: [] }
    return Promise.resolve(new Response(JSON.stringify(body), { status: made ? 422 : 200 }))
  })
  page = await mounted(ExceptionForm, { draft: fromSpec(exception.spec) })
  const last = page.field('Last day (UTC)')
  expect(last.getAttribute('aria-invalid')).toBe('false')
  document.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }))
  await page.settle()
  await page.settle()
  expect(last.getAttribute('aria-invalid')).toBe('true')
  const told = document.getElementById(last.getAttribute('aria-describedby') ?? '')
  expect(told?.textContent.trim()).not.toBe('')
  expect(page.field('Reason').getAttribute('aria-invalid')).toBe('false')
})
