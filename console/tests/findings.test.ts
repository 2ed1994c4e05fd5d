import { afterEach, describe, expect, it } from 'vitest'
import type { Finding } from '@/api/types'
import UnknownList from '@/components/images/UnknownList.vue'
import { findingKey } from '@/components/images/finding'
import FindingRows from '@/components/reports/FindingRows.vue'
import { mounted, type Mounted } from './mounted'

let page: Mounted | null = null
afterEach(() => page?.unmount())

describe('what could not be decided', () => {
  it('is said in Chinese, its subjects too', async () => {
    const unknowns = [
      {
        what: 'files that were not searched for malware',
        why: 'layer 1: 3 that are compressed were not looked into, a.gz the first of them',
        incomplete: false,
        unjudged: 0,
      },
      { what: 'usr/bin/app', why: 'its header is damaged', incomplete: true, unjudged: 0 },
    ]
    page = await mounted(UnknownList, { unknowns, known: true }, 'zh-CN')
    const rows = [...page.root.querySelectorAll('code')].map((each) => each.textContent)
    expect(rows).toEqual(['未检查是否恶意的文件', 'usr/bin/app'])
    expect(page.text()).toContain('层 1：有 3 个压缩文件未查看其内容，第一个是 a.gz')
  })
})

describe('a finding of a comparison', () => {
  it('leads to the finding of the image that has it', async () => {
    const finding = {
      id: 'CVE-2024-1',
      package: 'pkg:deb/debian/libstdc%2B%2B6@12',
      installed: '12',
      fixed: null,
      status: 'affected',
      severity: 'high',
      kev: false,
    } as unknown as Finding
    page = await mounted(FindingRows, { label: 'Fixed', findings: [finding], image: 'sha256:a' })
    const link = page.root.querySelector('a')
    expect(link?.textContent).toBe('CVE-2024-1')
    const address = new URL(link?.getAttribute('href') ?? '', 'http://console')
    expect(decodeURIComponent(address.pathname)).toBe('/image/sha256:a')
    expect(address.searchParams.get('item')).toBe(findingKey(finding))
    expect(address.searchParams.get('q')).toBe('CVE-2024-1')
  })
})
