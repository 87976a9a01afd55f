/* SPDX-License-Identifier: MIT */
/* From a command line to a name: the program, or the script when the program is an interpreter. Reading
 * command lines is left to linux_procfs. */
#include "agent/platform/process_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "agent/platform/text.h"

#define ARGUMENTS_MAX 64
#define ARGUMENT_SIZE 512 /* longer ones are cut; a script's path fits */

struct piece {
    const char *text; /* not terminated */
    size_t size;
};

struct interpreter {
    const char *name;        /* versions may follow: python3.11 */
    const char *skip_next;   /* options whose value is the next argument, each between spaces */
    const char *inline_code; /* options that carry the program itself: no script */
    const char *module;      /* options whose next argument names the program */
    const char *verbs;       /* first words that are not the script */
};

static const struct interpreter INTERPRETERS[] = {
    {"node", " -r --require --import --loader --experimental-loader -C --conditions --env-file ",
     " -e --eval -p --print ", " ", " "},
    {"nodejs", " -r --require --import --loader ", " -e --eval -p --print ", " ", " "},
    {"deno", " -c --config --import-map --lock ", " eval ", " ", " run task serve "},
    {"bun", " -r --preload -c --config --cwd ", " -e --eval ", " ", " run x "},
    {"python", " -W -X ", " -c ", " -m ", " "},
    {"pypy", " -W -X ", " -c ", " -m ", " "},
    {"ruby", " -I -r -C -E ", " -e ", " ", " "},
    {"perl", " -I ", " -e -E ", " ", " "},
    {"php", " -c -d -z -t ", " -r -S ", " -f ", " "},
    {"java",
     " -cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports --add-reads ",
     " ", " -jar -m --module ", " "},
    {"dotnet", " --fx-version --depsfile --runtimeconfig ", " ", " ", " exec run watch "},
    {"lua", " -l ", " -e ", " ", " "},
    {"luajit", " -l ", " -e ", " ", " "},
    {"sh", " -o -O ", " -c ", " ", " "},
    {"bash", " -o -O --rcfile --init-file ", " -c ", " ", " "},
    {"dash", " -o ", " -c ", " ", " "},
    {"ash", " -o ", " -c ", " ", " "},
    {"zsh", " -o ", " -c ", " ", " "},
    {"ksh", " -o ", " -c ", " ", " "},
    {"fish", " -C --init-command ", " -c --command ", " ", " "},
    {"busybox", " ", " ", " ", " "},
};

static bool piece_is(struct piece piece, const char *text)
{
    return piece.size == strlen(text) && memcmp(piece.text, text, piece.size) == 0;
}

/* `words` has a space before and after each word. */
static bool is_among(struct piece piece, const char *words)
{
    if (piece.size == 0)
        return false;
    for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
        if (strncmp(at + 1, piece.text, piece.size) == 0 && at[1 + piece.size] == ' ')
            return true;
    }
    return false;
}

static size_t split(const char *bytes, size_t size, struct piece pieces[static ARGUMENTS_MAX])
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < ARGUMENTS_MAX;) {
        size_t length = strnlen(bytes + at, size - at);
        pieces[count++] = (struct piece){bytes + at, length < ARGUMENT_SIZE ? length : ARGUMENT_SIZE};
        at += length + 1;
    }
    return count;
}

static struct piece last_component(struct piece path, char separator)
{
    while (path.size > 1 && path.text[path.size - 1] == separator)
        path.size--;
    for (size_t i = path.size; i > 0; i--) {
        if (path.text[i - 1] == separator)
            return (struct piece){path.text + i, path.size - i};
    }
    return path;
}

static bool strip_suffix(struct piece *piece, const char *suffix)
{
    size_t size = strlen(suffix);
    if (piece->size <= size || memcmp(piece->text + piece->size - size, suffix, size) != 0)
        return false;
    piece->size -= size;
    return true;
}

/* What argv[0] says. A process that sets its title has one argument: "nginx: master process …", "npm run
 * dev". */
static struct piece program_of(struct piece first, bool alone)
{
    const char *slash = memchr(first.text, '/', first.size);
    for (size_t i = 0; i + 1 < first.size; i++) {
        if (slash != NULL && first.text + i > slash)
            break;
        if (first.text[i] == ':' && first.text[i + 1] == ' ')
            return (struct piece){first.text, i};
    }
    const char *space = memchr(first.text, ' ', first.size);
    if (alone && space > first.text && (slash == NULL || space < slash))
        first.size = (size_t)(space - first.text);
    struct piece name = last_component(first, '/');
    if (name.size > 1 && name.text[0] == '-') { /* a login shell */
        name.text++;
        name.size--;
    }
    return name;
}

static const struct interpreter *find_interpreter(struct piece program)
{
    while (program.size > 1 &&
           (isdigit((unsigned char)program.text[program.size - 1]) || program.text[program.size - 1] == '.'))
        program.size--;
    for (size_t i = 0; i < sizeof(INTERPRETERS) / sizeof(INTERPRETERS[0]); i++) {
        if (piece_is(program, INTERPRETERS[i].name))
            return &INTERPRETERS[i];
    }
    return NULL;
}

/* The argument that names the program which the interpreter runs; size 0 when there is none. */
static struct piece find_script(const struct interpreter *interpreter, const struct piece *arguments,
                                size_t count, bool *ret_module)
{
    bool first_word = true;
    *ret_module = false;
    for (size_t i = 1; i < count; i++) {
        struct piece argument = arguments[i];
        if (is_among(argument, interpreter->inline_code))
            break;
        if (is_among(argument, interpreter->module)) {
            *ret_module = true;
            return i + 1 < count ? arguments[i + 1] : (struct piece){NULL, 0};
        }
        if (is_among(argument, interpreter->skip_next)) {
            i++;
            continue;
        }
        if (argument.size == 0 || argument.text[0] == '-')
            continue;
        if (first_word && is_among(argument, interpreter->verbs)) {
            first_word = false;
            continue;
        }
        return argument;
    }
    return (struct piece){NULL, 0};
}

/* "…/node_modules/@scope/package/…" → "package" */
static struct piece package_of(struct piece path)
{
    static const char MARK[] = "/node_modules/";
    struct piece found = {NULL, 0};
    for (size_t i = 0; i + sizeof(MARK) - 1 < path.size; i++) {
        if (memcmp(path.text + i, MARK, sizeof(MARK) - 1) == 0)
            found = (struct piece){path.text + i + sizeof(MARK) - 1, path.size - i - (sizeof(MARK) - 1)};
    }
    for (int part = 0; found.text != NULL; part++) {
        const char *slash = memchr(found.text, '/', found.size);
        size_t size = slash != NULL ? (size_t)(slash - found.text) : found.size;
        if (part > 0 || found.text[0] != '@' || slash == NULL)
            return (struct piece){found.text, size};
        found.size -= size + 1;
        found.text = slash + 1;
    }
    return found;
}

static struct piece name_of_script(struct piece script, bool module)
{
    struct piece name = last_component(script, '/');
    if (piece_is(name, "__main__.py") && name.text > script.text + 1) {
        struct piece folder = {script.text, (size_t)(name.text - script.text) - 1};
        return last_component(folder, '/');
    }
    struct piece package = package_of(script);
    if (package.size > 0) {
        (void)(strip_suffix(&name, ".js") || strip_suffix(&name, ".mjs") || strip_suffix(&name, ".cjs"));
        bool generic = is_among(name, " index main cli bin start server app dev cmd run ");
        return generic && !piece_is(package, ".bin") ? package : name;
    }
    if (!module)
        (void)strip_suffix(&name, ".dll");
    return name;
}

void process_name(const char *comm, const char *arguments, size_t size,
                  char ret_name[static TEXT_NAME_MAX + 1])
{
    struct piece pieces[ARGUMENTS_MAX];
    size_t count = split(arguments, size, pieces);
    struct piece name = {comm, strlen(comm)};
    if (count > 0 && pieces[0].size > 0) {
        name = program_of(pieces[0], count == 1 || pieces[1].size == 0);
        const struct interpreter *interpreter = find_interpreter(name);
        bool module = false;
        struct piece script = {NULL, 0};
        if (interpreter != NULL)
            script = find_script(interpreter, pieces, count, &module);
        if (script.size > 0)
            name = name_of_script(script, module);
        if (script.size > 0 && strcmp(interpreter->name, "java") == 0 && !strip_suffix(&name, ".jar") &&
            !strip_suffix(&name, ".war"))
            name = last_component(name, '.'); /* a class within its package */
    }
    if (name.size == 0)
        name = (struct piece){comm, strlen(comm)};
    text_copy(ret_name, TEXT_NAME_MAX + 1, name.text, name.size);
}

void process_command(const char *arguments, size_t size, char ret_command[static TEXT_COMMAND_MAX + 1])
{
    char joined[TEXT_COMMAND_MAX + 1];
    while (size > 0 && arguments[size - 1] == '\0')
        size--;
    if (size > sizeof(joined))
        size = sizeof(joined);
    for (size_t i = 0; i < size; i++)
        joined[i] = arguments[i] == '\0' ? ' ' : arguments[i];
    text_copy(ret_command, TEXT_COMMAND_MAX + 1, joined, size);
}
