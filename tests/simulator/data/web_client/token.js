// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const words = { N: "None", M: "My", A: "All" };
  const code = (level) => Object.keys(words).find((key) => words[key] === level) ?? "";
  const told = async (answer) => {
    const found = await (await answer).json();
    if (!found.ok) throw new Error(found.message);
    return found;
  };
  const read = (action, query) => told(fetch(`${base}Setup/${action}.rails?${new URLSearchParams(query)}`));
  const post = (action, form) => told(fetch(`${base}Setup/${action}.rails`, { method: "POST", body: new URLSearchParams(form) }));
  const token = async () => (await read("Token", {})).token;
  const formToken = async (member) => {
    const page = await (await fetch(`${base}Setup/KeyForm.rails?${new URLSearchParams({ member })}`)).text();
    return new DOMParser().parseFromString(page, "text/html").querySelector("input[name=__token]").value;
  };
  let record = null;
  return {
    rows: async (role) => {
      const found = await read("Role", { role });
      record = found.record;
      return found.rows.map((row) => ({
        id: row.k, module: row.m, name: row.f, own: row.my, list: row.c,
        levels: { add: words[row.a] ?? null, edit: words[row.e] ?? null, delete: words[row.d] ?? null, inquire: words[row.i] ?? null },
      }));
    },
    saveRows: async (role, changed) => told(fetch(`${base}Setup/SaveRole.rails`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": await token() },
      body: JSON.stringify({
        record,
        rows: changed.map(({ id, after }) =>
          ({ k: id, a: code(after.add), e: code(after.edit), d: code(after.delete), i: code(after.inquire) })),
      }),
    })),
    items: async (role, row) => Object.entries((await read("Choices", { role, row: row.id })).choices)
      .map(([id, [name, chosen]]) => ({ id, name, allowed: chosen === 1 })),
    saveItems: async (role, row, items) => post("SaveChoices", {
      role, row: row.id, token: await token(),
      chosen: items.filter((item) => item.allowed).map((item) => item.id).join(";"),
    }),
    keys: async (member) => (await read("Keys", { member })).keys,
    createKey: async (member, description) =>
      (await post("NewKey", { member, description, __token: await formToken(member) })).pair,
    deleteKey: async (member, key) => post("EndKey", { member, key: key.id, __token: await formToken(member) }),
  };
};
