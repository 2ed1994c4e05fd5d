/** Closed sets of words that lists, filters and forms share. */
import type { CommandState, IncidentStatus, Mode, NodeState, Role, Severity } from '@/api/types'

export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown']
export const NODE_STATES: readonly NodeState[] = ['protected', 'degraded', 'unprotected', 'offline']
export const INCIDENT_STATUSES: readonly IncidentStatus[] = ['open', 'ignored', 'resolved']
/** In the order in which a policy comes into force. */
export const MODES: readonly Mode[] = ['simulate', 'canary', 'enforce']
export const ROLES: readonly Role[] = ['admin', 'operator', 'auditor', 'viewer']
/** Those that tokens may have: one of them is for builds, which are nobody who signs in. */
export const TOKEN_ROLES: readonly Role[] = [...ROLES, 'submitter']
export const FINAL_STATES: readonly CommandState[] = ['done', 'failed', 'expired', 'cancelled']
/** Severities that a person must look at. */
export const SERIOUS = 'critical,high'
