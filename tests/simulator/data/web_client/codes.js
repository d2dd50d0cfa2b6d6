// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const words = { 0: null, 1: "None", 2: "My", 4: "All" };
  const code = (level) => Number(Object.keys(words).find((key) => words[key] === level));
  const read = async (action, query) => {
    const told = await (await fetch(`${base}Roles/${action}.rails?${new URLSearchParams(query)}`)).json();
    if (!told.ok) throw new Error(told.message);
    return told;
  };
  const write = async (action, form) => {
    const told = await (await fetch(`${base}Roles/${action}.rails`, { method: "POST", body: new URLSearchParams(form) })).json();
    if (!told.ok) throw new Error(told.message);
    return told;
  };
  // The identifiers of the lists are the product's own; rows are known by them.
  const lists = {
    TableSetup: "SystemTableSetup", Configurations: "CompanyConfigurations", Agreements: "FinanceAgreements",
    ResourceScheduling: "ServiceResourceScheduling",
  };
  return {
    rows: async (role) => {
      const { matrix, head } = await read("Matrix", { role });
      return matrix.map(([id, add, edit, del, inquire], at) => ({
        id, module: head[at][0], name: head[at][1], own: head[at][2], list: head[at][3] && lists[head[at][4]],
        levels: { add: words[add], edit: words[edit], delete: words[del], inquire: words[inquire] },
      }));
    },
    saveRows: (role, changed, rows) => write("SaveMatrix", {
      role,
      matrix: JSON.stringify(rows.map(({ id, after }) =>
        [id, code(after.add), code(after.edit), code(after.delete), code(after.inquire)])),
    }),
    items: async (role, row) => {
      const { allowed, denied } = await read("List", { role, list: row.list });
      return [...allowed.map((name) => ({ name, allowed: true })), ...denied.map((name) => ({ name, allowed: false }))];
    },
    saveItems: (role, row, items) => {
      const names = (allowed) => JSON.stringify(items.filter((item) => item.allowed === allowed).map((item) => item.name));
      return write("SaveList", { role, list: row.list, allowed: names(true), denied: names(false) });
    },
    keys: async (member) => (await read("Keys", { member })).result.map((key) => ({ no: key.no, description: key.note })),
    createKey: async (member, note) => {
      const { result } = await write("CreateKey", { member, note });
      return { publicKey: result.pub, privateKey: result.priv };
    },
    deleteKey: (member, key) => write("DeleteKey", { member, no: key.no }),
  };
};
