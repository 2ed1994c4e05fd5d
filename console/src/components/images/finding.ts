import type { Finding } from '@/api/types'

/** What tells one finding of an image from the others, in the address of its page. */
export function findingKey(each: Pick<Finding, 'id' | 'package'>): string {
  return `${each.id} ${each.package}`
}
