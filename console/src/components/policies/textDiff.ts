/** Which lines differ between two texts, in their order and with a few around them. */

export interface LineChange {
  kind: 'gone' | 'come' | 'same' | 'skipped'
  text: string
}

const AROUND = 2
/** Lines of what differs on either side; above, all of it is told as gone and come. */
const MOST = 1500

export function lineChanges(before: string, after: string): LineChange[] {
  const old = split(before)
  const now = split(after)
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1
  let end = 0
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end))
    end += 1
  if (start === old.length && start === now.length) return []
  const same = (text: string): LineChange => ({ kind: 'same', text })
  return around([
    ...old.slice(0, start).map(same),
    ...between(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...old.slice(old.length - end).map(same),
  ])
}

/** An empty text has no line, not an empty one. */
function split(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** By the longest common subsequence. */
function between(old: string[], now: string[]): LineChange[] {
  const gone = (text: string): LineChange => ({ kind: 'gone', text })
  const come = (text: string): LineChange => ({ kind: 'come', text })
  if (!old.length || !now.length || old.length > MOST || now.length > MOST) {
    return [...old.map(gone), ...now.map(come)]
  }
  const width = now.length + 1
  const common = new Uint16Array((old.length + 1) * width)
  const length = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i * width + j] =
        old[i] === now[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1))
    }
  }
  const found: LineChange[] = []
  let i = 0
  let j = 0
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      found.push({ kind: 'same', text: old[i] ?? '' })
      i += 1
      j += 1
    } else if (length(i + 1, j) >= length(i, j + 1)) found.push(gone(old[i++] ?? ''))
    else found.push(come(now[j++] ?? ''))
  }
  return [...found, ...old.slice(i).map(gone), ...now.slice(j).map(come)]
}

function around(lines: LineChange[]): LineChange[] {
  const near = new Set<number>()
  lines.forEach((line, index) => {
    if (line.kind === 'same') return
    for (let at = index - AROUND; at <= index + AROUND; at++) near.add(at)
  })
  const found: LineChange[] = []
  lines.forEach((line, index) => {
    if (near.has(index)) found.push(line)
    else if (found.at(-1)?.kind !== 'skipped') found.push({ kind: 'skipped', text: '' })
  })
  return found
}
