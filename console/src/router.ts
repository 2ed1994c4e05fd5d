/** The pages, loaded when they are opened. `permission` hides a page from those who may not read it. */
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import type { Permission } from '@/api/types'
import { can, restoreSession, session } from '@/session'

declare module 'vue-router' {
  interface RouteMeta {
    permission?: Permission
    open?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    {
      path: '/sign-in',
      name: 'sign-in',
      component: () => import('@/pages/SignIn.vue'),
      meta: { open: true },
    },
    { path: '/password', name: 'password', component: () => import('@/pages/ChangePassword.vue') },
    {
      path: '/',
      component: () => import('@/components/shell/AppShell.vue'),
      children: [
        page('', 'overview', () => import('@/pages/Overview.vue'), 'nodes:read'),
        page('nodes', 'nodes', () => import('@/pages/Nodes.vue'), 'nodes:read'),
        page('nodes/:id', 'node', () => import('@/pages/Node.vue'), 'nodes:read'),
        page('containers', 'containers', () => import('@/pages/Containers.vue'), 'nodes:read'),
        page('images', 'images', () => import('@/pages/Images.vue'), 'images:read'),
        page('images/:id', 'image', () => import('@/pages/Image.vue'), 'images:read'),
        page('images/:id/compare/:other', 'compare', () => import('@/pages/Compare.vue'), 'images:read'),
        page('registries', 'registries', () => import('@/pages/Registries.vue'), 'registries:read'),
        page('registries/new', 'registry-new', () => import('@/pages/RegistryEdit.vue'), 'registries:write'),
        page('registries/:id', 'registry', () => import('@/pages/Registry.vue'), 'registries:read'),
        page(
          'registries/:id/edit',
          'registry-edit',
          () => import('@/pages/RegistryEdit.vue'),
          'registries:write',
        ),
        page('incidents', 'incidents', () => import('@/pages/Incidents.vue'), 'incidents:read'),
        page('incidents/:id', 'incident', () => import('@/pages/Incident.vue'), 'incidents:read'),
        page('exceptions', 'exceptions', () => import('@/pages/Exceptions.vue'), 'exceptions:read'),
        page('policies', 'policies', () => import('@/pages/Policies.vue'), 'policies:read'),
        page('policies/:id', 'policy', () => import('@/pages/Policy.vue'), 'policies:read'),
        page('profiles', 'profiles', () => import('@/pages/Profiles.vue'), 'policies:read'),
        page('profiles/:id', 'profile', () => import('@/pages/Profile.vue'), 'policies:read'),
        page('advisories', 'advisories', () => import('@/pages/Advisories.vue'), 'advisories:read'),
        page('audit', 'audit', () => import('@/pages/Audit.vue'), 'audit:read'),
        page('users', 'users', () => import('@/pages/Users.vue'), 'users:read'),
        page('tokens', 'tokens', () => import('@/pages/Tokens.vue'), 'tokens:own'),
        page('enrolment', 'enrolment', () => import('@/pages/Enrolment.vue'), 'enrolment:read'),
        { path: ':rest(.*)*', name: 'nowhere', component: () => import('@/pages/Nowhere.vue') },
      ],
    },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

type Loader = () => Promise<unknown>

function page(path: string, name: string, component: Loader, permission: Permission) {
  return { path, name, component: component as () => Promise<object>, meta: { permission } }
}

router.beforeEach(async (to) => {
  try {
    await restoreSession()
  } catch {
    // The server is away: the page itself says so and tries again.
  }
  if (to.meta.open) return true
  if (!session.value) return signIn(to)
  if (session.value.must_change_password && to.name !== 'password') return { name: 'password' }
  if (to.meta.permission && !can(to.meta.permission)) return { name: 'nowhere', params: { rest: ['denied'] } }
  return true
})

function signIn(to: RouteLocationNormalized) {
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
}
