// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

window.makeClient = (base) => {
  const words = { NONE: "None", MINE: "My", ALL: "All" };
  const code = (level) => Object.keys(words).find((key) => words[key] === level) ?? null;
  const verbs = ["add", "edit", "delete", "inquire"];
  const ask = async (action, given) => {
    const message = { payload: JSON.stringify(given), payloadClassName: action, project: "SecurityIO" };
    const answer = await fetch(`${base}System/${action}.rails`, {
      method: "POST", body: new URLSearchParams({ actionMessage: JSON.stringify(message) }),
    });
    const { data } = await answer.json();
    if (!data.isSuccess) throw new Error(data.error.message);
    return data.action;
  };
  return {
    rows: async (role) => (await ask("GetSecurityRowsAction", { roleRecID: role })).securityRows.map((row) => ({
      id: row.settingRecID, module: row.moduleName, name: row.functionName, own: row.myFlag, list: row.customFlag,
      levels: Object.fromEntries(verbs.map((verb) => [verb, words[row[`${verb}Level`]] ?? null])),
    })),
    saveRows: (role, changed) => ask("SaveSecurityRowsAction", {
      roleRecID: role,
      securityRows: changed.map((row) => ({
        settingRecID: row.id, ...Object.fromEntries(verbs.map((verb) => [`${verb}Level`, code(row.after[verb])])),
      })),
    }),
    items: async (role, row) => (await ask("GetCustomizeItemsAction", { roleRecID: role, settingRecID: row.id })).items
      .map((item) => ({ name: item.itemName, allowed: item.allowFlag })),
    saveItems: (role, row, items) => ask("SaveCustomizeItemsAction", {
      roleRecID: role, settingRecID: row.id,
      items: items.map((item) => ({ itemName: item.name, allowFlag: item.allowed })),
    }),
    keys: async (member) => (await ask("GetApiKeysAction", { memberRecID: member })).apiKeys
      .map((key) => ({ id: key.keyRecID, description: key.keyDescription })),
    createKey: async (member, description) => {
      const { apiKey } = await ask("CreateApiKeyAction", { memberRecID: member, keyDescription: description });
      return { publicKey: apiKey.keyPublic, privateKey: apiKey.keyPrivate };
    },
    deleteKey: (member, key) => ask("DeleteApiKeyAction", { memberRecID: member, keyRecID: key.id }),
  };
};
