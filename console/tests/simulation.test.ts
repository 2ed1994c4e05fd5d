import { afterEach, expect, it, vi } from 'vitest'
import { h } from 'vue'
import SimulationList from '@/components/policies/SimulationList.vue'
import { mounted, serverSays } from './mounted'

afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

it('says since when nothing would have been stopped: a minute tells less than a month', async () => {
  serverSays({
    '/policies/p1/simulation': {
      policy: 'p1',
      since_version: 2,
      since: '2026-11-02T00:00:00Z',
      containers: 0,
      deeds: 0,
      groups: [],
    },
  })
  const words = { failed: 'Failed', empty: 'Nothing would have been stopped', emptyText: 'While simulated.' }
  const page = await mounted(
    () =>
      h(
        SimulationList,
        { path: '/policies/p1', incidents: {}, words },
        {
          since: ({ simulation }: { simulation: { since_version: number } }) =>
            `since version ${String(simulation.since_version)}`,
        },
      ),
    {},
  )
  expect(page.text()).toContain('Nothing would have been stopped')
  expect(page.text()).toContain('since version 2')
  page.unmount()
})
