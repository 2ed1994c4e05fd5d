import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AdvisoryRun, AdvisoryStatus } from '@/api/types'
import { moment } from '@/i18n/format'
import Page from '@/pages/Advisories.vue'
import { mounted, serverSays, type Mounted } from './mounted'

const BUILT = new Date(Date.now() - 2 * 86_400_000).toISOString()
const ENDED = new Date(Date.now() - 3_600_000).toISOString()
const run: AdvisoryRun = {
  id: '1',
  kind: 'update',
  state: 'done',
  by: 'system',
  file: null,
  size: null,
  code: null,
  why: null,
  asked: ENDED,
  started: ENDED,
  finished: ENDED,
  replaced: true,
  imported: 1,
  withdrawn: 0,
  older: 0,
  refused: 0,
  same: 0,
  sources: [],
}
const why = 'https://mirror.example/kev.json: the server answers 404'
const unhad = {
  name: 'kev',
  how: '',
  records: 0,
  dropped: 0,
  unconfirmed: 0,
  refused: 0,
  refusals: [],
  why,
}

function known(runs: AdvisoryRun[], enabled = true): AdvisoryStatus {
  return {
    database: {
      built: BUILT,
      newest: BUILT.slice(0, 10),
      generation: 3,
      size: 1000,
      sources: ['Debian', 'kev'].map((name) => ({
        name,
        records: 5,
        releases: 0,
        updated: BUILT,
        whole: null,
        report: null,
      })),
    },
    trouble: null,
    enabled,
    every_hours: 24,
    next_due: null,
    run: null,
    waiting: 0,
    progress: null,
    runs,
  }
}

let page: Mounted | null = null
afterEach(() => {
  page?.unmount()
  page = null
  vi.unstubAllGlobals()
})

async function shown(status: AdvisoryStatus, language: 'en' | 'zh-CN' = 'en') {
  serverSays({ '/advisories': status })
  page = await mounted(Page, {}, language)
  await page.settle()
  return page
}

describe('the advisories', () => {
  it('are in use, without more words, after an update that was done', async () => {
    const { root, text } = await shown(known([run]))
    expect(root.querySelector('#state + *')?.textContent.trim()).toBe('In use')
    expect(root.querySelector('.inset')).toBeNull()
    expect(text()).not.toContain('Not updated')
  })

  it('say of an update that failed what is in use, why, and what comes next', async () => {
    const sources = [unhad]
    const failed = { ...run, state: 'failed' as const, code: 'advisories.nothing-updated', why: 'x', sources }
    const { root } = await shown(known([failed, run]))
    expect(root.querySelector('#state + *')?.textContent.trim()).toBe('In use; the last update failed')
    const note = root.querySelector('.inset')?.textContent ?? ''
    expect(note).toContain(
      `The update of ${moment(ENDED)} failed. In use is what was built on ${moment(BUILT)}.`,
    )
    expect(note).toContain('No source could be had.')
    expect(note).toContain(why)
    expect(note).toContain('It is tried again by itself. Check that this machine reaches the mirror')
    const rows = [...root.querySelectorAll('[aria-labelledby=sources] tbody tr')].map(
      (row) => row.textContent,
    )
    expect(rows.map((row) => row.includes('Not updated'))).toEqual([false, true])
    expect(rows[1]).toContain(why)
  })

  it('promise nothing where updates are switched off', async () => {
    const { text } = await shown(known([{ ...run, state: 'failed', code: 'advisories.too-long' }], false))
    expect(text()).not.toContain('It is tried again by itself')
    expect(text()).toContain('mend the cause, then update again, or upload a file')
  })

  it('say it in Chinese, also of one that was done in part', async () => {
    const { root } = await shown(known([{ ...run, state: 'partial', sources: [unhad] }]), 'zh-CN')
    expect(root.querySelector('#state + *')?.textContent.trim()).toBe('使用中，最近一次更新只完成了一部分')
    expect(root.querySelector('.inset')?.textContent).toContain('这些内容仍使用原有数据')
  })
})
