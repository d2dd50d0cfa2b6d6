// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const levels = ["None", "My", "All"];
  const verbs = ["add", "edit", "delete", "inquire"];
  const told = async (answer) => {
    const found = await (await answer).json();
    if (!found.ok) throw new Error(found.message);
    return found;
  };
  const read = (action, query) => told(fetch(`${base}Access/${action}.rails?${new URLSearchParams({ ...query, _: Date.now() })}`));
  const put = (action, given) => told(fetch(`${base}Access/${action}.rails`, {
    method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
  }));
  const hidden = (action, given) => told(fetch(`${base}Access/${action}.rails`, {
    method: "POST", body: new URLSearchParams({ data: btoa(JSON.stringify(given)) }),
  }));
  const text = (after) => verbs.map((verb) => (after[verb] === null ? "-" : levels.indexOf(after[verb]))).join(",");
  return {
    rows: async (role) => Object.entries((await read("Rights", { role })).rights).map(([id, [text, module, name, own, list]]) => ({
      id, module, name, own, list,
      levels: Object.fromEntries(text.split(",").map((code, at) => [verbs[at], code === "-" ? null : levels[code]])),
    })),
    saveRows: (role, changed) => put("Rights", {
      role: { id: role }, rights: Object.fromEntries(changed.map((row) => [row.id, text(row.after)])),
    }),
    items: async (role, row) => (await read("Items", { role, setting: row.id })).items.map((item) => ({
      id: item.itemId, name: item.group ? `${item.group} / ${item.label}` : item.label, allowed: !item.denied,
    })),
    saveItems: (role, row, items) => put("Items", {
      role, setting: Number(row.id), denied: items.filter((item) => !item.allowed).map((item) => item.id),
    }),
    keys: async (member) => (await read("Keys", { member })).keys.map((key) => ({ id: key.keyId, description: key.label })),
    createKey: async (member, label) => {
      const { made } = await hidden("NewKey", { member: { id: member }, label });
      return { publicKey: made.user, privateKey: made.secret };
    },
    deleteKey: (member, key) => hidden("EndKey", { member: { id: member }, key: key.id }),
  };
};
