// The service's API (/api/v1) as functions, one a route.

import { call, send, useToken } from "dressform/service/request.js";
import { ServiceError } from "dressform/service/request.js";

/**
 * @import {
 *   Answer, ApiKey, Failure, AuditEntry, Comparison, Job, Listing, Project, Session, Storage, UploadResult,
 *   Version
 * } from "dressform/service/types.js"
 */
/** @typedef {import("dressform/service/request.js").Sending} Sending */

/** @param {Record<string, string | number | null | undefined>} values */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : "";
}

/** @param {Session} session */
function entered(session) {
  useToken(session.csrf ?? "");
  return session;
}

/** Who is signed in; null if nobody is. @returns {Promise<Session | null>} */
export async function getSession() {
  try {
    return entered(await call("GET", "session"));
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return null;
    throw error;
  }
}

/** @param {string} secret of the printed link, or a key */
export const signIn = async (secret) =>
  entered(await call("POST", "session", { [secret.startsWith("df_") ? "key" : "token"]: secret }));

export const signOut = () => call("DELETE", "session");

/** @returns {Promise<Project[]>} */
export const getProjects = async () => (await call("GET", "projects")).projects;

/**
 * @param {string} name
 * @param {string[]} classes
 * @returns {Promise<Project>}
 */
export const createProject = (name, classes) => call("POST", "projects", { name, classes });

/** The routes of one project. */
export class ProjectRoutes {
  /** @param {string} id */
  constructor(id) {
    this.path = `projects/${encodeURIComponent(id)}`;
    this.address = `/api/v1/${this.path}`;
  }

  /** @returns {Promise<Project>} */
  get() {
    return call("GET", this.path);
  }

  /** @param {{name?: string, budget?: number}} changes */
  change(changes) {
    return call("PATCH", this.path, changes);
  }

  delete() {
    return call("DELETE", this.path);
  }

  /** @param {string} name */
  addClass(name) {
    return call("POST", `${this.path}/classes`, { name });
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  renameClass(id, name) {
    return call("PATCH", `${this.path}/classes/${id}`, { name });
  }

  /** @param {string} id */
  deleteClass(id) {
    return call("DELETE", `${this.path}/classes/${id}`);
  }

  /**
   * @param {Record<string, string | number | null>} filter
   * @returns {Promise<Listing>}
   */
  images(filter) {
    return call("GET", `${this.path}/images${query(filter)}`);
  }

  /**
   * @param {File} file
   * @param {string | null} label
   * @param {Sending} sending
   * @returns {Promise<UploadResult>}
   */
  upload(file, label, sending) {
    return send(`${this.path}/images${query({ name: file.name, label })}`, file, sending);
  }

  /**
   * @param {File} file a ZIP
   * @param {string | null} label of all its images; null: folder names are classes
   * @param {Sending} sending
   * @returns {Promise<UploadResult>}
   */
  uploadZip(file, label, sending) {
    const labels = label === null ? "folders" : "none";
    return send(`${this.path}/images/zip${query({ labels, label: label || null })}`, file, sending);
  }

  /**
   * @param {string[]} ids
   * @param {string | null} label
   */
  label(ids, label) {
    const labels = ids.map((id) => ({ image_id: id, label }));
    return call("PUT", `${this.path}/labels`, { labels });
  }

  /** @param {string[]} ids */
  deleteImages(ids) {
    return call("POST", `${this.path}/images/delete`, { ids });
  }

  /** @returns {Promise<Job>} */
  train() {
    return call("POST", `${this.path}/trainings`);
  }

  /** @param {string} id @returns {Promise<Job>} */
  cancel(id) {
    return call("POST", `${this.path}/jobs/${id}/cancel`);
  }

  /** @param {string} id of a job */
  events(id) {
    return new EventSource(`${this.address}/jobs/${id}/events`);
  }

  /** All trainings, newest first. @returns {Promise<Job[]>} */
  async jobs() {
    return (await call("GET", `${this.path}/jobs`)).jobs;
  }

  /** @returns {Promise<Version[]>} */
  async versions() {
    return (await call("GET", `${this.path}/models`)).models;
  }

  /** @param {number} version */
  promote(version) {
    return call("POST", `${this.path}/models/${version}/promote`);
  }

  /** @param {number} version */
  deleteVersion(version) {
    return call("DELETE", `${this.path}/models/${version}`);
  }

  /**
   * @param {number} a
   * @param {number} b
   * @returns {Promise<Comparison>}
   */
  compare(a, b) {
    return call("GET", `${this.path}/models/compare${query({ a, b })}`);
  }

  /**
   * @param {number} version
   * @param {"report.html" | "download.zip" | "page.html"} file
   */
  fileOf(version, file) {
    return `${this.address}/models/${version}/${file}`;
  }

  /**
   * @param {File} photo as a form, which tells its name to the service
   * @returns {Promise<{model: {version: number}, predictions: (Answer | Failure)[]}>}
   */
  predict(photo) {
    const form = new FormData();
    form.append("file", photo);
    return call("POST", `${this.path}/predict?steps=true`, form);
  }
}

/** @returns {Promise<ApiKey[]>} */
export const getKeys = async () => (await call("GET", "keys")).keys;

/**
 * @param {string} name
 * @param {string} scope
 * @returns {Promise<{key: ApiKey, secret: string}>}
 */
export const createKey = (name, scope) => call("POST", "keys", { name, scope });

/** @param {string} id */
export const revokeKey = (id) => call("DELETE", `keys/${id}`);

/** @returns {Promise<Storage>} */
export const getStorage = () => call("GET", "storage");

/**
 * @param {number | null} before
 * @returns {Promise<{entries: AuditEntry[], next: number | null}>}
 */
export const getAudit = (before) => call("GET", `audit${query({ limit: 50, before })}`);
