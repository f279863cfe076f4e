// Lines to copy: how a program uses a project with a key.

/** @import { Project } from "dressform/service/types.js" */

/** @param {string} text for a shell */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * @param {string} url of the service
 * @param {Project} project
 * @param {string} key
 * @returns {{title: string, about: string, text: string}[]}
 */
export function snippets(url, project, key) {
  const predict = `${url}/api/v1/projects/${project.id}/predict`;
  return [
    {
      title: "curl",
      about: "Classify a photo.",
      text: [
        `curl -H ${quoted(`Authorization: Bearer ${key}`)} \\`,
        "  -H 'Content-Type: application/octet-stream' \\",
        `  --data-binary @photo.jpg ${quoted(predict)}`,
      ].join("\n"),
    },
    {
      title: "Python",
      about: "With the package dressform.",
      text: [
        "import dressform",
        "",
        `client = dressform.Client(${JSON.stringify(url)}, key=${JSON.stringify(key)})`,
        `print(client.project(${JSON.stringify(project.name)}).predict("photo.jpg"))`,
      ].join("\n"),
    },
    {
      title: "NanoNets scripts",
      about:
        "The environment of the scripts; in each, replace https://app.nanonets.com by the address of this service.",
      text: [
        `export NANONETS_API_KEY=${quoted(key)}`,
        `export NANONETS_MODEL_ID=${quoted(project.id)}`,
        `sed -i ${quoted(`s#https://app.nanonets.com#${url}#`)} code/*.py`,
      ].join("\n"),
    },
  ];
}
