// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const ask = async (action, given) => {
    const answer = await fetch(`${base}Security/${action}.rails`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
    });
    const told = await answer.json();
    if (!told.ok) throw new Error(told.message);
    return told;
  };
  return {
    rows: async (role) => (await ask("GetRole", { roleId: role })).rows.map((row) => ({ ...row, levels: row.rights })),
    saveRows: async (role, changed) => {
      await Promise.all(changed.map((row) => ask("SaveRow", { roleId: role, settingId: row.settingId, rights: row.after })));
    },
    items: async (role, row) => (await ask("GetList", { roleId: role, settingId: row.settingId })).items
      .map((item) => ({ name: item.text, allowed: item.on })),
    saveItems: (role, row, items) => ask("SaveList", {
      roleId: role, settingId: row.settingId, allow: items.filter((item) => item.allowed).map((item) => item.name),
    }),
    keys: async (member) => (await ask("GetKeys", { memberId: member })).keys.map((key) => ({ ...key, description: key.text })),
    createKey: async (member, text) => {
      const { key } = await ask("AddKey", { memberId: member, text });
      return { publicKey: key.public, privateKey: key.private };
    },
    deleteKey: (member, key) => ask("DropKey", { memberId: member, keyId: key.id }),
  };
};
