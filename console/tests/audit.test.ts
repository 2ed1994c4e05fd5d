import { afterEach, describe, expect, it, vi } from 'vitest'
import ChainMark from '@/components/audit/ChainMark.vue'
import Audit from '@/pages/Audit.vue'
import type { Language } from '@/preferences'
import { mounted, serverSays } from './mounted'

const ID = '01a22768e05f7678997fde47434c9315'
const record = {
  sequence: 31,
  at: '2026-11-02T00:00:00Z',
  actor: `token:${ID}`,
  source: '192.0.2.7',
  action: 'policy.update',
  subject: `policy:${ID}`,
  outcome: 'done',
  reason: '',
  details: {},
  hash: 'a'.repeat(64),
  previous: 'b'.repeat(64),
}

afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

describe('a record of the audit that is open', () => {
  it.each<[Language, string, string]>([
    ['en', 'token 01a22768…9315', 'policy 01a22768…9315'],
    ['zh-CN', '令牌 01a22768…9315', '策略 01a22768…9315'],
  ])(
    'names things in words as the list does, leads to them, and has the whole id',
    async (language, by, of) => {
      serverSays({ '/audit': { items: [record], total: 1, cursor: null } })
      const page = await mounted(Audit, {}, language, '/audit?item=31')
      await page.settle()
      const said = [...document.querySelectorAll('.drawer dd')].map((each) =>
        each.textContent?.replace(/\s+/g, ' ').trim(),
      )
      expect(said).toContain(by)
      expect(said).toContain(`${of}policy:${ID}`)
      expect(document.querySelector('.drawer dd a')?.getAttribute('href')).toBe(`/policy/${ID}`)
      page.unmount()
    },
  )
})

it('does not call the chain whole where it could not be verified again', async () => {
  const answers: Record<string, unknown> = {
    '/audit/verification': { ok: true, records: 31, broken_at: null },
  }
  serverSays(answers)
  const page = await mounted(ChainMark, {})
  await page.settle()
  expect(page.text()).toContain('31 records')
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"code":"storage.busy"}', { status: 503 })))
  await page.click('Verify again')
  await page.settle()
  expect(page.text()).not.toContain('31 records')
  page.unmount()
})
