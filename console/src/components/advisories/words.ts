/** What became of updates and imports, in words. */
import type { AdvisoryRun } from '@/api/types'
import type { IconName } from '@/components/icons'
import { i18n, told } from '@/i18n'
import { duration, number } from '@/i18n/format'
import { sentenceOf } from '@/i18n/sentences'

const NAMED = ['kev', 'epss', 'severity', 'ecosystems']

/** Ecosystems are called as OSV calls them; what else there is has a name of ours. */
export function sourceName(name: string): string {
  return NAMED.includes(name) ? told('advisorySource', name) : name
}

export function runName(run: AdvisoryRun): string {
  return run.kind === 'import'
    ? i18n.global.t('advisories.run.import', { file: run.file ?? run.id })
    : i18n.global.t('advisories.run.update')
}

export function runMark(run: AdvisoryRun): {
  tone: 'ok' | 'caution' | 'danger' | 'busy'
  icon: IconName
  label: string
} {
  const label = i18n.global.t(`advisories.runState.${run.state}`)
  if (run.state === 'done') return { tone: 'ok', icon: 'check', label }
  if (run.state === 'partial') return { tone: 'caution', icon: 'incidents', label }
  if (run.state === 'failed') return { tone: 'danger', icon: 'stop', label }
  return { tone: 'busy', icon: 'clock', label }
}

export function took(run: AdvisoryRun): string {
  if (!run.started || !run.finished) return '–'
  return duration(Math.max(0, Date.parse(run.finished) - Date.parse(run.started)) / 1000)
}

/** Why nothing came of it: by its code, with what the server says besides where the code says less. */
export function runWhy(run: AdvisoryRun): string {
  const why = sentenceOf(run.why ?? '')
  if (!run.code) return why
  return told('advisoryWhy', run.code, {}, told('problem', run.code, {}, why))
}

/** What the run changed. */
export function runChange(run: AdvisoryRun): string {
  const { t } = i18n.global
  if (run.state === 'failed') return t('advisories.runs.kept')
  if (!run.replaced && run.refused === 0 && run.sources.length === 0) return t('advisories.runs.same')
  return t('advisories.runs.changed', {
    imported: number(run.imported),
    withdrawn: number(run.withdrawn),
    older: number(run.older),
    refused: number(run.refused),
  })
}

/** What to do after a failure; nothing is tried again by itself where somebody switched that off. */
export function nextStep(
  run: AdvisoryRun,
  enabled: boolean,
): 'nextUpdate' | 'nextAgain' | 'nextAsk' | 'nextImport' {
  if (run.kind === 'import') return 'nextImport'
  if (!enabled) return 'nextAsk'
  return run.code === 'advisories.nothing-updated' ? 'nextUpdate' : 'nextAgain'
}
