/** The readable part of a package URL: `pkg:deb/debian/openssl@3.0.11` is `openssl`, `pkg:npm/%40a/b@1` is `@a/b`. */
export function packageName(purl: string): string {
  const bare = purl.replace(/^pkg:/, '').split(/[?#]/, 1)[0] ?? purl
  const [kind = '', ...path] = bare
    .slice(0, bare.includes('@') ? bare.lastIndexOf('@') : undefined)
    .split('/')
  const distribution = ['deb', 'rpm', 'apk'].includes(kind)
  const shown = distribution ? path.slice(-1) : path
  return shown.map(decoded).join('/') || purl
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
