// Files that were dropped, pasted or chosen, with the folder that each was in.

/** @typedef {{file: File, folder: string | null}} Found folder: the name of the nearest one */

/** Files that systems leave in folders; they are named as left out, not uploaded. */
const LEFT_BEHIND = /^(\.|Thumbs\.db$|desktop\.ini$)/i;
const ZIP = /\.zip$/i;

/** @param {File} file */
export const isZip = (file) => ZIP.test(file.name) || file.type === "application/zip";

/** @param {Found} found */
export const isLeftBehind = ({ file }) => LEFT_BEHIND.test(file.name);

/**
 * The entries of a folder: browsers give at most a hundred at a time.
 * @param {FileSystemDirectoryReader} reader
 * @returns {Promise<FileSystemEntry[]>}
 */
async function entriesOf(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/**
 * @param {FileSystemEntry} entry
 * @param {string | null} folder
 * @returns {Promise<Found[]>}
 */
async function filesBelow(entry, folder) {
  if (entry.isFile) {
    const { file: read } = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((resolve, reject) => read.call(entry, resolve, reject));
    return [{ file, folder }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (const child of await entriesOf(reader)) found.push(...(await filesBelow(child, entry.name)));
  return found;
}

/**
 * What was dropped. Entries must be taken before the first wait: the browser empties the list.
 * @param {DataTransfer} data
 * @returns {Promise<Found[]>}
 */
export async function droppedFiles(data) {
  const items = [...data.items].filter(({ kind }) => kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = [];
  for (const { entry, file } of taken) {
    if (entry) found.push(...(await filesBelow(entry, null)));
    else if (file) found.push({ file, folder: null });
  }
  return found;
}

/**
 * What was chosen in a dialog, or pasted.
 * @param {Iterable<File>} files
 * @returns {Found[]}
 */
export const chosenFiles = (files) =>
  [...files].map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? null }));
