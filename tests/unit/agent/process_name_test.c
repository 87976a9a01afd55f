/* SPDX-License-Identifier: MIT */
/* agent/platform/process_name and docker_proxy: command lines become the names that people use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platform/docker_proxy.h"
#include "agent/platform/process_name.h"

struct example {
    const char *arguments; /* separated by '|' */
    const char *name;
};

static size_t to_arguments(const char *text, char out[static 512])
{
    size_t size = strlen(text);
    for (size_t i = 0; i <= size; i++)
        out[i] = text[i] == '|' ? '\0' : text[i];
    return size + 1;
}

static void assert_names(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char arguments[512];
        char name[TEXT_NAME_MAX + 1];
        size_t size = to_arguments(examples[i].arguments, arguments);
        process_name("comm", arguments, size, name);
        if (strcmp(name, examples[i].name) != 0)
            print_error("%s\n", examples[i].arguments);
        assert_string_equal(name, examples[i].name);
    }
}

static void name_is_the_program(void **state)
{
    static const struct example EXAMPLES[] = {
        {"/usr/sbin/nginx|-g|daemon off;", "nginx"},
        {"nginx: master process /usr/sbin/nginx -g daemon off;", "nginx"},
        {"postgres: checkpointer ", "postgres"},
        {"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd"},
        {"redis-server *:6379", "redis-server"},
        {"npm run dev", "npm"},
        {"./my server", "my server"},
        {"-bash", "bash"},
        {"/usr/share/code/code|--type=utility", "code"},
        {"/", "comm"},
    };
    assert_names(EXAMPLES, sizeof(EXAMPLES) / sizeof(EXAMPLES[0]));
}

static void name_is_the_script_of_an_interpreter(void **state)
{
    static const struct example EXAMPLES[] = {
        {"node|/home/u/app/node_modules/.bin/vite", "vite"},
        {"node|/home/u/app/node_modules/vite/bin/vite.js|--port|5173", "vite"},
        {"/usr/bin/node|--require|ts-node/register|server.js", "server.js"},
        {"node|/srv/node_modules/@angular/cli/bin/ng.js|serve", "ng"},
        {"node|/srv/node_modules/@vue/cli-service/index.js", "cli-service"},
        {"node|-e|require('http')", "node"},
        {"node", "node"},
        {"python3|server.py", "server.py"},
        {"/usr/bin/python3.11|-u|-W|ignore|/opt/x/server.py|8000", "server.py"},
        {"python3|-m|http.server|8000", "http.server"},
        {"python3|-c|import x", "python3"},
        {"python3|/usr/local/bin/uvicorn|app:app", "uvicorn"},
        {"python|/opt/tool/__main__.py", "tool"},
        {"ruby|-I|lib|/usr/bin/puma", "puma"},
        {"perl|/usr/bin/starman", "starman"},
        {"php|-S|localhost:8000", "php"},
        {"php8.2|artisan|serve", "artisan"},
        {"java|-Xmx1g|-cp|/a.jar:/b.jar|org.example.web.Server", "Server"},
        {"java|-jar|/opt/jenkins/jenkins.war", "jenkins"},
        {"java|-jar|/opt/app/app.jar|--server.port=1", "app"},
        {"dotnet|/srv/Web.dll", "Web"},
        {"deno|run|--allow-net|main.ts", "main.ts"},
        {"bun|run|index.ts", "index.ts"},
        {"bun|server.ts", "server.ts"},
        {"/bin/sh|/usr/local/bin/start-thing", "start-thing"},
        {"bash|-c|nc -l 80", "bash"},
        {"busybox|httpd|-f|-p|80", "httpd"},
    };
    assert_names(EXAMPLES, sizeof(EXAMPLES) / sizeof(EXAMPLES[0]));
}

static void name_falls_back_to_the_kernels(void **state)
{
    char name[TEXT_NAME_MAX + 1];
    process_name("kworker/0:1", NULL, 0, name);
    assert_string_equal(name, "kworker/0:1");
    process_name("evil\x1b\xff", "", 1, name);
    assert_string_equal(name, "evil??");
    process_name("", NULL, 0, name);
    assert_string_equal(name, "");
}

static void name_survives_every_cut_of_a_command_line(void **state)
{
    char arguments[512];
    size_t size = to_arguments("node|--require|x|/a/node_modules/@s/p/index.js|\xf0\x9f", arguments);
    for (size_t cut = 0; cut <= size; cut++) {
        char *copy = malloc(cut + 1); /* the sanitizer sees reads behind it */
        char name[TEXT_NAME_MAX + 1];
        char command[TEXT_COMMAND_MAX + 1];
        assert_non_null(copy);
        memcpy(copy, arguments, cut);
        char *exact = realloc(copy, cut > 0 ? cut : 1);
        assert_non_null(exact);
        process_name("comm", exact, cut, name);
        process_command(exact, cut, command);
        assert_true(strlen(name) <= TEXT_NAME_MAX);
        assert_true(strlen(command) <= cut);
        free(exact);
    }
}

static void name_is_cut_at_the_limit(void **state)
{
    char arguments[2048];
    char name[TEXT_NAME_MAX + 1];
    memset(arguments, 'a', sizeof(arguments));
    process_name("comm", arguments, sizeof(arguments), name);
    assert_int_equal(strlen(name), TEXT_NAME_MAX);
    char command[TEXT_COMMAND_MAX + 1];
    process_command(arguments, sizeof(arguments), command);
    assert_int_equal(strlen(command), TEXT_COMMAND_MAX);
}

static void command_joins_arguments_with_spaces(void **state)
{
    char arguments[512];
    char command[TEXT_COMMAND_MAX + 1];
    size_t size = to_arguments("python3|-m|http.server|80\n80||", arguments);
    process_command(arguments, size, command);
    assert_string_equal(command, "python3 -m http.server 80?80");
}

static void docker_proxy_is_named_by_its_container(void **state)
{
    char arguments[512];
    char name[TEXT_NAME_MAX + 1] = "docker-proxy";
    char container[TEXT_CONTAINER_MAX + 1] = "";
    size_t size = to_arguments(
        "/usr/bin/docker-proxy|-proto|tcp|-container-ip|203.0.113.9|-container-port|80", arguments);
    docker_proxy_name(arguments, size, name, container);
    assert_string_equal(name, "docker: 203.0.113.9:80");
    assert_string_equal(container, "");
    strcpy(name, "kept");
    docker_proxy_name("docker-proxy\0-container-ip", 27, name, container);
    assert_string_equal(name, "kept");
}

static void docker_config_gives_the_containers_name(void **state)
{
    static const char CONFIG[] =
        "{\"State\":{},\"Name\":\"/web\",\"NetworkSettings\":{\"Networks\":{\"bridge\":"
        "{\"IPAddress\":\"172.17.0.2\"}}}}";
    char name[TEXT_NAME_MAX + 1];
    assert_true(docker_config_match(CONFIG, sizeof(CONFIG) - 1, "172.17.0.2", name));
    assert_string_equal(name, "web");
    assert_false(docker_config_match(CONFIG, sizeof(CONFIG) - 1, "172.17.0.1", name));
    assert_false(docker_config_match("\"IPAddress\":\"1.2.3.4\"\"Name\":\"/x", 31, "1.2.3.4", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_the_program),
        cmocka_unit_test(name_is_the_script_of_an_interpreter),
        cmocka_unit_test(name_falls_back_to_the_kernels),
        cmocka_unit_test(name_survives_every_cut_of_a_command_line),
        cmocka_unit_test(name_is_cut_at_the_limit),
        cmocka_unit_test(command_joins_arguments_with_spaces),
        cmocka_unit_test(docker_proxy_is_named_by_its_container),
        cmocka_unit_test(docker_config_gives_the_containers_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
