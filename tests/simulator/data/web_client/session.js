// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const verbs = ["add", "edit", "delete", "inquire"];
  const told = async (answer) => {
    const found = await (await answer).json();
    if (!found.ok) throw new Error(found.message);
    return found;
  };
  const read = (action, query) => told(fetch(`${base}Office/${action}.rails?${new URLSearchParams(query)}`));
  const ask = (action, given) => told(fetch(`${base}Office/${action}.rails`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
  }));
  const send = (action, fields) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return told(fetch(`${base}Office/${action}.rails`, { method: "POST", body: form }));
  };
  return {
    rows: async (roleId) => (await read("Rows", { roleId })).rows.map((row) => ({
      ...row,
      levels: Object.fromEntries(verbs.map((verb) => [verb, row[`${verb}All`] ? "All" : row[`${verb}My`] ? "My" : "None"])),
    })),
    saveRows: (roleId, changed) => send("SaveRows", {
      roleId,
      rows: JSON.stringify(changed.map((row) => ({
        setting: row.setting,
        ...Object.fromEntries(verbs.flatMap((verb) => [
          [`${verb}All`, row.after[verb] === "All"], [`${verb}My`, row.after[verb] === "My"],
        ])),
      }))),
    }),
    items: async (roleId, row) => (await read("GetList", { roleId, settingId: row.setting })).items
      .map((item) => ({ name: item.text, allowed: item.on === "Y" })),
    saveItems: (roleId, row, items) => send("SaveList", {
      roleId, settingId: row.setting, allow: JSON.stringify(items.filter((item) => item.allowed).map((item) => item.name)),
    }),
    keys: async (memberId) => (await ask("GetKeys", { memberId })).keys.map((key) => ({ ...key, description: key.text })),
    createKey: async (memberId, text) => {
      const { key } = await ask("AddKey", { memberId, text });
      return { publicKey: key.public, privateKey: key.private };
    },
    deleteKey: (memberId, key) => ask("DropKey", { memberId, keyId: key.id }),
  };
};
