/** What to call an image: a name that people gave it, else its digest. */
import type { ImageRef, ImageSummary } from '@/api/types'
import { counted, i18n } from '@/i18n'

export function imageName(image: { id: string; names: string[] }): string {
  return image.names[0] ?? shortDigest(image.id)
}

export function refName(image: ImageRef | null): string {
  return image ? image.name || shortDigest(image.id) : '?'
}

export function shortDigest(digest: string): string {
  const hex = digest.split(':').at(-1) ?? digest
  return hex.length > 16 ? `${hex.slice(0, 12)}…` : hex
}

type Read = Pick<ImageSummary, 'scanned' | 'complete' | 'packages' | 'size'>
type Judged = Pick<ImageSummary, 'complete' | 'unjudged' | 'unread'>

/** Whether it was tried and nothing of it could be read, neither a layer nor a package: nothing is known of it then. */
export function isUnread(image: Read): boolean {
  return image.scanned !== null && !image.complete && image.packages === 0 && image.size === 0
}

/** Whether no finding means that none is known: all that may hold packages was read, and advisories speak of them. */
export function isWhole(image: Judged): boolean {
  return image.complete && image.unjudged === 0 && image.unread === 0
}

/** The gravest that is said of an image of which not all was read or judged; nothing of one that is whole. */
export function doubtOf(image: Read & Judged): string {
  if (isWhole(image)) return ''
  if (!image.complete) return i18n.global.t(isUnread(image) ? 'images.unread' : 'images.incomplete')
  return image.unjudged
    ? counted('images.unjudged', image.unjudged)
    : counted('images.leftUnread', image.unread)
}

/** An image's name without its tag or digest: `host:5000/a/b:1` is `host:5000/a/b`. */
export function repository(name: string): string {
  const bare = name.split('@', 1)[0] ?? name
  const colon = bare.lastIndexOf(':')
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare
}

/** A system without the nickname of its release, which a table has no room for. */
export function systemName(os: { id: string; name: string | null } | null): string {
  return os?.name?.replace(/\s*\([^)]*\)$/, '') || os?.id || '–'
}

/** Whether the words are the id of one vulnerability, and not part of a name. */
export function isVulnerability(words: string): boolean {
  return /^(CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3})$/i.test(words)
}

/** The public page of a vulnerability or an advisory, the same that reports name. */
export function publicPage(id: string): string {
  const place = id.startsWith('CVE-') ? 'https://www.cve.org/CVERecord?id=' : 'https://osv.dev/vulnerability/'
  return place + encodeURIComponent(id)
}
