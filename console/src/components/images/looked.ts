/** Of what was submitted nobody may have looked for some of its contents: that there is none would be a guess. */
import type { Unknown } from '@/api/types'

/** As the server says it of what was submitted; an unknown that says something else was looked for, in part. */
export const NOT_LOOKED = 'nobody looked for this in what was submitted'

/** What the server calls them, by the group that shows them. */
const NAMES = { malware: 'malware', secrets: 'secrets', config: 'configuration' } as const
export type Content = keyof typeof NAMES

/** Whether it says of some of the contents that they were not, or not all, looked for. */
export function isInDoubt({ what }: Unknown): boolean {
  return Object.values<string>(NAMES).includes(what)
}

/** Those that nobody looked for, in the order in which they are shown. */
export function notLookedFor(unknowns: Unknown[]): Content[] {
  const missing = new Set(unknowns.filter((each) => each.why === NOT_LOOKED).map((each) => each.what))
  return (Object.keys(NAMES) as Content[]).filter((each) => missing.has(NAMES[each]))
}
