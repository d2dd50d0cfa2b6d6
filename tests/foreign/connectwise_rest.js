// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Lets connectwise-rest do what it can do to a tenant. Options come as JSON on stdin; one JSON line goes out for each
// operation: its name, and what it gave or the status and body of the error.
'use strict'

const { ManageAPI } = require('connectwise-rest')

async function main(options) {
  const client = new ManageAPI({ ...options, debug: false, logger: () => {} })
  const system = client.SystemAPI

  async function step(name, action) {
    try {
      const value = await action()
      console.log(JSON.stringify({ name, value: value === undefined ? null : value }))
      return value
    } catch (error) {
      const status = error.response ? error.response.status : error.status
      const body = error.response ? error.response.data : error.data
      const told = status ? { status, body } : { problem: String(error.code || error.message || error), raw: error }
      console.log(JSON.stringify({ name, error: told }))
      return undefined
    }
  }

  const replace = (path, value) => [{ op: 'replace', path, value }]
  await step('info', () => system.getSystemInfo({}))
  await step('count roles', () => system.getSystemSecurityrolesCount({}))
  const role = await step('create role', () => system.postSystemSecurityroles({ name: 'From Node' }))
  await step('read role', () => system.getSystemSecurityrolesById(role.id, {}))
  await step('role info', () => system.getSystemSecurityrolesByIdInfo(role.id, {}))
  await step('find role', () => system.getSystemSecurityroles({ conditions: "name='From Node'" }))
  await step('list roles', () => system.getSystemSecurityroles({ fields: 'id,name', orderBy: 'name desc' }))
  await step('count settings', () => system.getSystemSecurityRolesByParentIdSettingsCount(role.id, {}))
  const rows = await step('page settings', () =>
    client.paginate(system.getSystemSecurityRolesByParentIdSettings, { pageSize: 20 }, role.id, {})
  )
  await step('read setting', () => system.getSystemSecurityRolesByParentIdSettingsById(rows[0].id, role.id, {}))
  await step('write setting', () =>
    client.request({
      path: `/system/securityRoles/${role.id}/settings/${rows[0].id}`,
      method: 'patch',
      data: replace('addLevel', 'All'),
    })
  )
  const preset = await step('default member', () => system.getSystemApiMembersDefault({}))
  const member = await step('create member', () =>
    system.postSystemApiMembers({ ...preset, identifier: 'NodeSync', name: 'Node Sync', securityRole: { id: role.id } })
  )
  await step('read member', () => system.getSystemApiMembersById(member.id, {}))
  await step('patch member', () => system.patchSystemApiMembersById(member.id, replace('notes', 'patched')))
  await step('patch inside a reference', () =>
    system.patchSystemApiMembersById(member.id, replace('securityRole/name', 'Admin'))
  )
  await step('put member', () => system.putSystemApiMembersById(member.id, { ...member, name: 'Put Sync' }))
  await step('find member', () => system.getSystemApiMembers({ conditions: 'identifier="NodeSync"' }))
  await step('count members', () => system.getSystemApiMembersCount({ conditions: 'securityRole/name = "From Node"' }))
  await step('delete role in use', () => system.deleteSystemSecurityrolesById(role.id))
  await step('my security', () => system.getSystemMySecurity({ pageSize: 1000 }))
  await step('my customize items', () => system.getSystemMySecurityCustomizeItems({ pageSize: 1000 }))
  await step('setup screens', () => client.paginate(system.getSystemSetupScreens, { pageSize: 25 }, {}))
  await step('count setup screens', () => system.getSystemSetupScreensCount({}))
  await step('count tickets', () => client.ServiceAPI.getServiceTicketsCount({}))
  await step('count companies', () => client.CompanyAPI.getCompanyCompaniesCount({}))
  await step('page companies', () => client.paginate(client.CompanyAPI.getCompanyCompanies, { pageSize: 10 }, {}))
  const spare = await step('create spare role', () => system.postSystemSecurityroles({ name: 'Spare' }))
  await step('delete role', () => system.deleteSystemSecurityrolesById(spare.id))
  await step('read deleted role', () => system.getSystemSecurityrolesById(spare.id, {}))
  await step('duplicate role', () => system.postSystemSecurityroles({ name: 'From Node' }))
  await step('role with a long name', () => system.postSystemSecurityroles({ name: 'x'.repeat(31) }))
  await step('bad conditions', () => system.getSystemSecurityroles({ conditions: 'name =' }))
  await step('unknown endpoint', () => client.request({ path: '/system/nowhere', method: 'get' }))
  const wrong = new ManageAPI({ ...options, privateKey: 'wrong', logger: () => {} })
  await step('wrong keys', () => wrong.SystemAPI.getSystemInfo({}))
  const lost = new ManageAPI({ ...options, entryPoint: 'v2019_1', logger: () => {} })
  await step('wrong codebase', () => lost.SystemAPI.getSystemInfo({}))
}

let text = ''
process.stdin.on('data', (part) => (text += part))
process.stdin.on('end', () => main(JSON.parse(text)))
